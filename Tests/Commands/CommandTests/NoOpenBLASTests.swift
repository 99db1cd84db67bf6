import Pictures
import SystemPackage
import TestSupport
import Testing

/// Where the library is a file that can't be opened, and found before the one that can.
@Suite("Without OpenBLAS")
struct NoOpenBLASTests {
  private let folder: TemporaryFolder
  private let environment: [String: String]

  init() throws {
    folder = try TemporaryFolder()
    _ = try BuiltCommand("glance").shell("touch '\(folder.path)/libopenblas.so.0'")
    environment = ["LD_LIBRARY_PATH": folder.path.string]
  }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func draw(_ name: String, _ options: [String]) throws -> BuiltCommand.Outcome {
    try BuiltCommand("glance-sample").run(
      [
        "--model", Fixtures.model("tiny-flux").string, "--size", "64x64", "--schedule", "teacher:4",
        "--prompt", "a red star", "--verbose", "--output", path(name),
      ] + options, environment: environment)
  }

  @Test("pictures are drawn by the program's own kernels, and say so")
  func draws() throws {
    let run = try draw("a.png", [])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.hasPrefix("glance-sample: matrix products run on glance's kernels, "))
    #expect(run.errors.contains("; OpenBLAS isn't there\n"))
    let texts = try PictureFile(opening: folder.path.appending("a.png")).texts
    let settings = try #require(texts.first { $0.key == "glance" }?.text)
    #expect(settings.contains("no OpenBLAS, "))
  }

  @Test("adapters are trained")
  func trains() throws {
    let run = try BuiltCommand("glance-train-lora").run(
      tinyTraining(in: folder, ["--phase", "slow", "--steps", "1"]), environment: environment)
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test("what needs it ends with 69 and the package's name")
  func refuses() throws {
    let asked = try draw("b.png", ["--blas"])
    #expect(asked.status == 69)
    #expect(
      asked.errors.hasSuffix(
        "glance-sample: libopenblas.so.0: OpenBLAS isn't there, which this needs; install the package "
          + "libopenblas0\n"))
    let trained = try BuiltCommand("glance-train-lora").run(
      tinyTraining(in: folder, ["--phase", "slow", "--steps", "1"]))
    #expect(trained.status == 0, "\(trained.errors)")
    let merge = try BuiltCommand("glance-merge").run(
      [
        "--mode", "adapter", path("out/a-slow.safetensors"), "--resize-rank", "1", "--output",
        path("r.safetensors"),
      ], environment: environment)
    #expect(merge.status == 69, "\(merge.errors)")
    #expect(
      merge.errors.hasSuffix(
        "': can't be factorised: OpenBLAS isn't there, which this needs; install the package "
          + "libopenblas0\n"), "\(merge.errors)")
  }
}
