internal import Formats
internal import JSON
internal import Tensors

/// What the header of a GGUF file says that it is, in the words of llama.cpp's converter.
///
/// **Source:** ggml-org/llama.cpp, `gguf-py/gguf/constants.py` of gguf 0.19.0 (`MODEL_ARCH_NAMES`,
/// `VisionProjectorType`).
struct GGUFModel: Sendable {
  /// `general.architecture`.
  let architecture: String
  /// Keys of which one must say one of the words, in whatever case; none for any file of the architecture.
  private let keys: [String]
  private let words: [String]
  /// The component that it is; nil for an image or video model.
  let component: String?
  /// The component's kind.
  let kind: String
  /// Name for people.
  let title: String

  init(_ entry: JSONValue) {
    architecture = entry.text("name")
    keys = entry["where"]?.texts("keys") ?? []
    words = entry["where"]?.texts("say") ?? []
    component = entry["component"]?.string
    kind = entry["kind"]?.string ?? ""
    title = entry.text("title")
  }

  /// What a checkpoint says that it is; nil for one that says nothing known, or is of another container.
  init?(of source: TensorSource) {
    guard source.container == .gguf,
      let found = Recognition.shared.ggufModels.first(where: { $0.fits(source.metadata) })
    else { return nil }
    self = found
  }

  private func fits(_ metadata: Metadata) -> Bool {
    guard metadata["general.architecture"] == architecture else { return false }
    return keys.isEmpty
      || keys.contains { key in
        let text = metadata[key]?.lowercased() ?? ""
        return words.contains { text.contains($0) }
      }
  }

  /// Whether it is the part of a language model that looks at pictures, which llama.cpp has in a file of its own.
  var isVisionPart: Bool { architecture == "clip" }
}
