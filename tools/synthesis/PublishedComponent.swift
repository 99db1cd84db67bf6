package import Elements
internal import Formats
package import JSON
internal import Tensors

/// A text encoder or autoencoder as it is published: its configuration, and its tensors in terms of it.
package struct PublishedComponent {
  /// A kind of layers that can be fewer.
  struct Layers {
    /// What they are of, for people.
    let name: String
    /// Where config.json has their count; keys inside others with dots.
    let keys: [String]
  }

  /// Name of its folder in a pipeline.
  package let folder: String
  let layers: [Layers]
  /// What config.json says; tensors follow it.
  package var configuration: JSONObject
  private let baseName: String
  private let shardByteLimit: Int
  private let deviations: [StatedDeviation]
  private let tree: JSONObject

  /// Reads an entry of a pipeline's description, which is ours: what is missing there traps.
  init(_ json: JSONValue) {
    folder = json.text("folder")
    baseName = json.text("file")
    shardByteLimit = json.count("shard_bytes")
    layers = json.list("layers").map { Layers(name: $0.text("of"), keys: $0.texts("keys")) }
    configuration = JSONObject(json.members("config"))
    deviations = json.members("deviations").map { ($0.key, Float($0.value.double ?? 0)) }
    tree = JSONObject(json.members("tensors"))
  }

  /// The component with other counts of its layers, in the order of ``layers``.
  package func cut(to counts: some Sequence<Int>) -> PublishedComponent {
    var result = self
    for (layers, count) in zip(layers, counts) {
      for key in layers.keys {
        result.configuration.set(key.split(separator: ".").map(String.init), to: count)
      }
    }
    return result
  }

  /// What is written of it, in shards as published where no other limit is given.
  package func synthesis(dtype: DType, shardByteLimit limit: Int?) -> ComponentSynthesis {
    let entries = NameTree(root: tree, configuration: configuration).entries
    return ComponentSynthesis(
      configuration: configuration, baseName: baseName,
      tensors: entries.map { TensorDescription(name: $0.name, dtype: dtype, shape: $0.shape) },
      deviations: deviations, shardByteLimit: limit ?? shardByteLimit)
  }
}

extension JSONObject {
  /// Sets a number, of a key inside others where there are several.
  fileprivate mutating func set(_ path: [String], to count: Int) {
    if path.count == 1 {
      self[path[0]] = .integer(Int64(count))
    } else if var inner = self[path[0]]?.object {
      inner.set(Array(path.dropFirst()), to: count)
      self[path[0]] = .object(inner)
    }
  }
}
