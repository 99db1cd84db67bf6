import Compute
import JSON
import ModelLoading
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import TextEncoders

/// The text encoders of the shipped models, and what transformers made of three captions with them.
enum RecordedTexts: String, CaseIterable, Sendable {
  case clip
  case t5
  case qwen

  /// What an encoder makes of a caption, and what was recorded: states, of CLIP the pooled one too.
  func states(_ row: Int) throws -> [(found: [Float], expected: [Float])] {
    switch self {
    case .clip:
      let (configuration, weights) = try Self.files("tiny-flux", "text_encoder")
      let encoder = try CLIPTextEncoder(configuration: configuration, weights: weights)
      let output = try encoder(Self.ids("flux", "clip_ids", row: row))
      return [
        (output.states.floats, try Self.states("flux", "clip_hidden", row: row)),
        (output.pooled.floats, try Self.states("flux", "clip_pooled", row: row)),
      ]
    case .t5:
      let (configuration, weights) = try Self.files("tiny-flux", "text_encoder_2")
      let encoder = try T5Encoder(configuration: configuration, weights: weights)
      let output = try encoder(Self.ids("flux", "t5_ids", row: row))
      return [(output.floats, try Self.states("flux", "t5_embeds", row: row))]
    case .qwen:
      let (configuration, weights) = try Self.files("tiny-qwen-image", "text_encoder")
      let encoder = try Qwen25TextEncoder(configuration: configuration, weights: weights)
      let count = try Self.ids("qwen", "attention_mask", row: row).count { $0 == 1 }
      let output = try encoder(Array(try Self.ids("qwen", "ids", row: row).prefix(count)))
      let expected = try Self.states("qwen", "hidden_last", row: row)
      return [(output.floats, Array(expected.prefix(count * 64)))]
    }
  }

  static func files(
    _ model: String, _ component: String
  ) throws -> (ModelConfiguration, WeightLoader) {
    let folder = Fixtures.model(model).appending(component)
    let file = folder.appending("config.json")
    let text = try FileDescriptor.open(file, .readOnly).closeAfterReading()
    let weights = try SafetensorsFile(opening: folder.appending("model.safetensors"))
    return (
      try ModelConfiguration(JSONValue(parsing: text), file: file),
      WeightLoader(file: weights.path, tensors: weights.tensors)
    )
  }

  static func ids(_ family: String, _ name: String, row: Int) throws -> [Int32] {
    let view = try Goldens.open(family, "text.safetensors").tensor(named: name)
    let length = view.shape[1]
    return (row * length..<(row + 1) * length).map {
      unsafe view.bytes.unsafeLoadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)
    }
  }

  static func states(_ family: String, _ name: String, row: Int) throws -> [Float] {
    let view = try Goldens.open(family, "text.safetensors").tensor(named: name)
    let size = view.elementCount / view.shape[0]
    return Array(view.floats()[row * size..<(row + 1) * size])
  }
}

extension FileDescriptor {
  /// The text of a small file, which is then closed.
  fileprivate func closeAfterReading() throws -> String {
    try closeAfter {
      var bytes = [UInt8](repeating: 0, count: 1 << 16)
      let count = try unsafe bytes.withUnsafeMutableBytes { try unsafe read(into: $0) }
      return String(decoding: bytes[..<count], as: UTF8.self)
    }
  }
}
