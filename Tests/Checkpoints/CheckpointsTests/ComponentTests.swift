import Checkpoints
import Elements
import Files
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

/// VAEs and text encoders tensor by tensor, against what the classes of diffusers and transformers have; see
/// `tools/record-component-goldens`.
@Suite("Components")
struct ComponentTests {
  private static let published =
    try? JSONValue(
      parsing: Fixtures.text(
        Fixtures.folder.appending("components").appending("published.json")))

  /// The tensors that the published model of a component has, as its class lists them.
  private func tensors(_ name: String) throws -> [TensorDescription] {
    let list = try #require(Self.published?[name]?["tensors"]?.object)
    return list.members.map {
      TensorDescription(
        name: $0.key, dtype: .bf16, shape: ($0.value.array ?? []).compactMap(\.integer))
    }
  }

  @Test(
    "have the names and shapes of the published models",
    arguments: [
      ("autoencoder-kl", 244), ("autoencoder-kl-qwen-image", 194), ("clip-text", 196),
      ("t5-encoder", 219),
    ])
  func published(name: String, count: Int) throws {
    let tensors = try tensors(name)
    #expect(tensors.count == count)
    let description = CheckpointDescription(tensors: tensors)
    #expect(description.modelName == name)
    #expect(description.layoutName == "diffusers")
    #expect(description.problems == [])
    let component = try #require(description.component)
    let layout = try #require(description.layout)
    let entries = component.entries(in: layout)
    #expect(entries.count == count)
    let shapes = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.shape) })
    for entry in entries { #expect(entry.shape == shapes[entry.names[0]], "\(entry.names[0])") }
  }

  @Test(
    "have the names and shapes of the published models in other layouts",
    arguments: [
      ("autoencoder-kl", "bfl"), ("autoencoder-kl-qwen-image", "comfyui"),
      ("clip-text", "transformers"),
    ])
  func otherLayouts(name: String, layoutName: String) throws {
    let description = CheckpointDescription(tensors: try tensors(name))
    let component = try #require(description.component)
    let layout = try #require(description.layouts.first { $0.name == layoutName })
    let entries = component.entries(in: layout)
    let lines = entries.map { entry in
      entry.names[0] + " " + entry.shape.map { $0.map(String.init) ?? "?" }.joined(separator: ",")
        + "\n"
    }
    let bytes = Array(lines.sorted().joined().utf8)
    let expected = try #require(Self.published?[name]?[layoutName]?.array)
    #expect(entries.count == expected[0].integer)
    #expect(unsafe SHA256.hexadecimal(of: bytes.span.bytes) == expected[1].string)
    // Tensors under those names are the same component.
    let again = CheckpointDescription(
      tensors: entries.map {
        TensorDescription(name: $0.names[0], dtype: .bf16, shape: $0.shape.compactMap(\.self))
      })
    #expect(again.modelName == name)
    #expect(again.layoutName == layoutName)
    #expect(again.problems == [])
  }

  @Test("name what is missing, what has another shape and what doesn't belong there")
  func problems() throws {
    var tensors = try tensors("autoencoder-kl")
    tensors.removeAll {
      $0.name == "decoder.up_blocks.2.resnets.0.conv_shortcut.weight"
        || $0.name == "encoder.down_blocks.1.downsamplers.0.conv.bias"
    }
    let changed = try #require(
      tensors.firstIndex { $0.name == "decoder.mid_block.attentions.0.to_q.weight" })
    tensors[changed] = TensorDescription(
      name: tensors[changed].name, dtype: .bf16, shape: [512, 512, 1, 1])
    tensors.append(TensorDescription(name: "encoder.extra", dtype: .bf16, shape: [1]))
    #expect(
      CheckpointDescription(tensors: tensors).problems.map(\.description) == [
        "tensor 'encoder.down_blocks.1.downsamplers.0.conv.bias' [256] is missing",
        "tensor 'decoder.mid_block.attentions.0.to_q.weight': shape [512, 512, 1, 1], "
          + "expected [512, 512]",
        "tensor 'decoder.up_blocks.2.resnets.0.conv_shortcut.weight' [256, 512, 1, 1] is missing",
        "tensor 'encoder.extra' [1] is unexpected",
      ])
  }

  @Test("are compared with their config.json")
  func configuration() throws {
    let configuration = Configuration(
      file: "config.json", json: ["_class_name": "AutoencoderKL", "latent_channels": 4])
    let description = CheckpointDescription(
      tensors: try tensors("autoencoder-kl"), configuration: configuration)
    #expect(
      description.problems == [
        .configuration(key: "latent_channels", expected: "16", found: "4")
      ])
  }
}
