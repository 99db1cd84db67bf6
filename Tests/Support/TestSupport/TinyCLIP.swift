public import SystemPackage

/// The tiny random CLIP model of `Tests/Fixtures/evaluation/clip`, made by tools/record-clip-goldens.
public enum TinyCLIP {
  /// Where its parts and the recordings are.
  public static var fixtures: FilePath {
    Fixtures.folder.appending("evaluation").appending("clip")
  }

  /// Writes its folder, with the tokenizer of the shipped FLUX model.
  ///
  /// - Parameters:
  ///   - folder: where.
  ///   - name: what the folder is called.
  ///   - activation: `gelu` or `quick_gelu`.
  /// - Returns: the folder.
  /// - Throws: when a file can't be read or written.
  public static func write(
    in folder: TemporaryFolder, as name: String = "clip", activation: String = "quick_gelu"
  ) throws -> FilePath {
    let tokenizer = Fixtures.model("tiny-flux").appending("tokenizer")
    let files = [
      (fixtures.appending("config-\(activation).json"), "config.json"),
      (fixtures.appending("model.safetensors"), "model.safetensors"),
      (fixtures.appending("preprocessor_config.json"), "preprocessor_config.json"),
      (tokenizer.appending("vocab.json"), "vocab.json"),
      (tokenizer.appending("merges.txt"), "merges.txt"),
      (tokenizer.appending("tokenizer_config.json"), "tokenizer_config.json"),
    ]
    try folder.makeFolder(name)
    for (file, target) in files {
      try folder.write(contents(of: file), to: "\(name)/\(target)")
    }
    return folder.path.appending(name)
  }
}
