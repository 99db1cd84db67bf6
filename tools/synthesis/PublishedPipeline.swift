package import Checkpoints
internal import Formats
internal import JSON
internal import SystemPackage

/// A pipeline of a family as it is published, but for the transformer, which `formats/` describes:
/// `published/<family>.json` of this folder.
package struct PublishedPipeline {
  /// A tokenizer's folder.
  struct Tokenizer {
    let folder: String
    /// Which of `Tests/Fixtures/tokenizers`.
    let vocabulary: String
    /// `model_max_length`.
    let maximumLength: Int
  }

  /// The variants of the family that are the transformer of such a pipeline.
  package let variants: [String]
  /// Bytes of a shard of the transformer.
  package let transformerShardByteLimit: Int
  /// Small documents by their paths.
  let documents: [JSONObject.Member]
  let tokenizers: [Tokenizer]
  let components: [PublishedComponent]

  /// The description of a family's pipeline.
  package init(of family: ModelFamily) throws {
    let file = Checkout.folder.appending("tools/synthesis/published/\(family.name).json")
    let json = try Configuration(reading: file).json
    variants = json.texts("variants")
    transformerShardByteLimit = json.count("transformer_shard_bytes")
    documents = json.members("files")
    tokenizers = json.list("tokenizers").map {
      Tokenizer(
        folder: $0.text("folder"), vocabulary: $0.text("vocabulary"),
        maximumLength: $0.count("maximum_length"))
    }
    components = json.list("components").map { PublishedComponent($0) }
  }

  /// What kinds of layers its encoders have, in the order of their folders.
  package var encoderLayers: [String] { components.flatMap(\.layers).map(\.name) }

  /// Its components with other counts of layers, in the order of ``encoderLayers``; nil for those that
  /// are published.
  package func components(encoderLayers counts: [Int]?) -> [PublishedComponent] {
    guard let counts else { return components }
    var left = counts[...]
    return components.map { component in
      defer { left = left.dropFirst(component.layers.count) }
      return component.cut(to: left)
    }
  }
}

/// The files of the project that this program was built from: this tool runs beside them.
enum Checkout {
  /// Its folder.
  static var folder: FilePath {
    // This file is tools/synthesis/PublishedPipeline.swift.
    FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
  }
}
