import Adapters
import SystemPackage
import Tensors
import TestSupport
import Testing

/// The examples of `docs/sampling.md`.
@Suite("The page of drawing")
struct SamplingPageTests {
  @Test("shows what its commands print")
  func examples() throws {
    let folder = try TemporaryFolder()
    _ = try folder.link("tiny-flux", to: Fixtures.model("tiny-flux").string)
    _ = try folder.link("00.png", to: Fixtures.model("sample").appending("00.png").string)
    var slow = try Adapter(opening: Goldens.folder("flux").appending("slow.safetensors"))
    slow.metadata = [("glance.phase", "slow")]
    try slow.write(to: folder.path.appending("slow.safetensors"))
    let lines = [
      "# two of three in the usual way", "a large red star in the center of a black background",
      "a small blue circle above a large red square on a cyan background --d 9",
      "a large green triangle in the center of a white background --w 48 --h 64 --l 2 --n gray", "",
    ]
    _ = try folder.write(Array(lines.joined(separator: "\n").utf8), to: "prompts.txt")
    try PageExamples("sampling.md", in: folder.path).expectShown()
  }
}
