import Adapters
import Elements
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Baking a whole checkpoint")
struct BakeParityTests {
  private static let families = [("flux", "tiny-flux"), ("qwen", "tiny-qwen-image")]

  private func bake(
    _ family: (recording: String, model: String), strength: Double
  ) throws -> SafetensorsFile {
    let folder = try TemporaryFolder()
    let adapters = try MergedAdapter.adapters(
      in: Goldens.folder(family.recording).appending("adapter.safetensors"), phase: nil,
      strength: strength, isPartial: false
    ).adapters
    let base = Fixtures.model(family.model).appending("transformer")
      .appending("diffusion_pytorch_model.safetensors")
    let output = folder.path.appending("merged.safetensors")
    var request = BakeRequest(base: base, output: output, adapters: adapters)
    request.form.dtype = .f32
    let result = try Bake(request).write { _ in }
    #expect(result.modules.count == adapters[0].adapter.modules.count)
    #expect((result.total.cosine ?? 0) > 0.999_999)
    return try SafetensorsFile(opening: output)
  }

  // 5e-7: the recording's own float32 products differ by a few units of 6e-8.
  @Test("gives the weights that PEFT fuses", arguments: families)
  func fused(family: (recording: String, model: String)) throws {
    let merged = try bake(family, strength: 0.7)
    let recording = try Goldens.open(family.recording, "lora.safetensors")
    var compared = 0
    for expected in recording.tensors where expected.name.hasPrefix("fused_0.7.") {
      let name = String(expected.name.dropFirst("fused_0.7.".count))
      let found = try merged.tensor(named: name)
      #expect(relativeError(found.floats(), expected.floats()) <= 5e-7, "\(name)")
      let base = try recording.tensor(named: "base." + name)
      #expect(relativeError(found.floats(), base.floats()) > 1e-3)
      compared += 1
    }
    #expect(compared == 3)
  }

  @Test("has the same bytes for any number of threads", arguments: families)
  func threads(family: (recording: String, model: String)) throws {
    let files = try atWidths([1, 2, 3]) { try bake(family, strength: 1).tensors }
    for other in files[1...] {
      #expect(other.map(\.name) == files[0].map(\.name))
      for (left, right) in zip(files[0], other) { #expect(left.floats() == right.floats()) }
    }
  }

  @Test func adapterOfAnotherFamilyIsRefusedByName() throws {
    let adapters = try MergedAdapter.adapters(
      in: Goldens.folder("qwen").appending("adapter.safetensors"), phase: nil, strength: 1,
      isPartial: false
    ).adapters
    let error = #expect(throws: MergeError.self) {
      try Bake(
        BakeRequest(
          base: Fixtures.model("tiny-flux"), output: "never", adapters: adapters))
    }
    #expect(error.map { "\($0)" }?.contains("Qwen-Image") == true)
  }
}
