import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Pages of glance-inspect")
struct InspectPagesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func page(of path: FilePath) throws -> String {
    let page = folder.path.appending("page.html")
    let outcome = try BuiltCommand("glance-inspect").run([
      path.string, "--html", page.string, "--force",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try Fixtures.text(page)
  }

  @Test("fold the tensors of a pipeline by component and block, and say sizes in units")
  func folded() throws {
    let model = Fixtures.model("tiny-flux")
    let text = try page(of: model)
    let transformer = try SafetensorsFile(
      opening: model.appending("transformer/diffusion_pytorch_model.safetensors"))
    let block = transformer.tensors.filter { $0.name.hasPrefix("transformer_blocks.1.") }
    let bytes = block.reduce(0) { $0 + $1.byteCount }
    let kilobytes = Double((bytes + 50) / 100) / 10
    #expect(
      text.contains(
        "<summary>transformer: transformer_blocks.1: \(block.count) tensors, \(kilobytes) kB</summary>"
      ))
    #expect(
      text.contains("<summary>text_encoder: text_model.encoder.layers.0: 16 tensors, "))
    let folds = text.split(separator: "<details>").count - 1
    #expect(folds > 20 && text.split(separator: "</details>").count - 1 == folds)
  }

  @Test("fold names of kohya by block, and what stands apart once")
  func flatNames() throws {
    let file = folder.path.appending("kohya.safetensors")
    let outcome = try BuiltCommand("glance-convert").run([
      Goldens.folder("flux").appending("slow.safetensors").string, "--dialect", "kohya",
      "--output", file.string,
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let text = try page(of: file)
    // q, k and v of both streams are fused; a factor each and an alpha.
    #expect(text.contains("<summary>lora_unet_double_blocks_0: "))
    let titles = text.split(separator: "<summary>").dropFirst().compactMap {
      $0.split(separator: ":").first
    }
    #expect(Set(titles).count == titles.count && titles.count == 6)
  }

  @Test("show a few tensors whole")
  func whole() throws {
    let text = try page(of: Fixtures.folder.appending("methods/peft-bias.safetensors"))
    #expect(!text.contains("<details>") && text.contains("lora_B.bias"))
  }
}
