internal import JSON
package import Tensors

/// The texts of a checkpoint, whichever container holds it.
extension TensorSource {
  /// The key of a GGUF file that the texts of a safetensors header are kept under.
  package static let keptTextsKey = "glance.metadata"

  /// The texts as a safetensors header has them: of a GGUF file without what describes the format, and
  /// with what a safetensors file once had as it was.
  package var texts: Metadata {
    guard container == .gguf else { return metadata }
    return metadata.reduce(into: []) { texts, member in
      if member.key == Self.keptTextsKey,
        let object = (try? JSONValue(parsing: member.value))?.object
      {
        for text in object.members {
          if let value = text.value.string { texts.append((text.key, value)) }
        }
        return
      }
      let describesFormat =
        Self.formatKeys.contains(member.key) || member.key.hasPrefix("comfy.gguf.")
      if !describesFormat { texts.append(member) }
    }
  }

  /// What a GGUF file says of itself rather than of its model.
  private static let formatKeys = [
    "general.architecture", "general.file_type", "general.quantization_version",
    "general.alignment",
  ]
}
