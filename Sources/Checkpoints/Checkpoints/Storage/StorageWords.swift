internal import Formats
internal import JSON

/// Names by which quantised weights are known whatever their form.
struct StorageWords: Sendable {
  /// What a layer's note is called.
  let note: String
  /// The key of the header's notes.
  let headerKey: String
  /// The ending of tensors that only say how a program should compute.
  let preferences: String
  /// The tensors that mark a component, which rules may ask for.
  let markers: [String]
  /// What else belongs to a plain layer.
  let plainParameters: [String]
  /// What the names of scales and the like have in them, beside codes that aren't called `weight`.
  let companionWords: [String]
  /// Keys of config.json that say how weights are stored.
  let configurationKeys: [String]
  /// What is known of the programs that config.json may name.
  let methods: [QuantizationMethod]

  init(_ document: JSONValue) {
    guard let notes = document["storage_notes"] else {
      preconditionFailure("formats/recognition.json has storage_notes")
    }
    note = notes.text("layer")
    headerKey = notes.text("header")
    preferences = notes.text("preferences")
    markers = document.texts("storage_markers")
    plainParameters = document.texts("plain_parameters")
    companionWords = document.texts("companion_words")
    configurationKeys = document.texts("quantization_keys")
    methods = document.list("quantization_methods").map(QuantizationMethod.init)
  }
}
