internal import Failures
internal import Files
public import JSON
internal import SystemPackage
internal import Text

/// Which rule the index of a sharded checkpoint breaks, or where the shards are not as it says.
public enum IndexFault: Error, Equatable {
  /// The text isn't JSON, or has a key twice.
  case json(JSONError)
  /// The file is too large for an index.
  case tooLarge(byteCount: Int)
  /// There is no object `weight_map`.
  case noWeightMap
  /// `weight_map` names no tensor.
  case emptyWeightMap
  /// A tensor's shard is no string.
  case shardNotText(tensor: String)
  /// A shard's name is a path, or doesn't end in `.safetensors`.
  case unsafeShardName(tensor: String, shard: String)
  /// A shard isn't there.
  case missingShard(String)
  /// A shard isn't there, and beside the index lie all files of another checkpoint.
  case staleIndex(shard: String, others: [String])
  /// A shard is a pickle of PyTorch.
  case pickledShard(String)
  /// The document is another one than an index.
  case otherDocument(JSONDocumentKind)
  /// A tensor isn't in the shard that the index says, but perhaps in another.
  case tensorNotInShard(tensor: String, shard: String, found: String?)
  /// A shard has a tensor that the index doesn't place there.
  case tensorNotInIndex(tensor: String, shard: String)
}

extension IndexFault: CustomStringConvertible {
  /// What is wrong, with the tensor and the shard.
  public var description: String {
    switch self {
    case .json(let error): "malformed index: \(error)"
    case .tooLarge(let byteCount):
      "index of \(byteCount) bytes, expected at most \(ShardIndex.byteLimit)"
    case .noWeightMap: "malformed index: weight_map must be an object of tensors and their shards"
    case .emptyWeightMap: "malformed index: weight_map is empty"
    case .shardNotText(let tensor):
      "malformed index: shard of tensor \(quoted(tensor)) must be a string"
    case .unsafeShardName(let tensor, let shard):
      "malformed index: shard \(quoted(shard)) of tensor \(quoted(tensor)), expected the name of a "
        + ".safetensors file in the same folder"
    case .missingShard(let shard):
      "shard \(quoted(shard)) is missing; is the download complete?"
    case .staleIndex(let shard, let others):
      "shard \(quoted(shard)) is missing, but beside this index lies a complete checkpoint "
        + "(\(shortList(others))): the index is stale; without it the checkpoint is read, so remove or "
        + "rename the index"
    case .pickledShard(let shard):
      "the index of PyTorch files such as \(quoted(shard)): \(ForeignFormat.pickle.advice)"
    case .otherDocument(let kind): kind.description
    case .tensorNotInShard(let tensor, let shard, let found?):
      "tensor \(quoted(tensor)) is in shard \(quoted(found)), expected in \(quoted(shard))"
    case .tensorNotInShard(let tensor, let shard, nil):
      "tensor \(quoted(tensor)) is missing in shard \(quoted(shard))"
    case .tensorNotInIndex(let tensor, let shard):
      "shard \(quoted(shard)) has tensor \(quoted(tensor)), which the index does not place there"
    }
  }
}

/// What the index of a sharded checkpoint says.
///
/// Source: huggingface/huggingface_hub, `serialization/_torch.py`, `load_torch_model` (which names
/// are safe) and `save_torch_state_dict` (the keys).
struct ShardIndex {
  /// The most bytes of an index that are read: as for a header, which has the same names.
  static let byteLimit = 100_000_000

  /// Tensors and their shards, in the order of the index.
  let shardOfTensor: [(tensor: String, shard: String)]
  /// `metadata.total_size`, when given as an integer.
  let totalSize: Int?

  init(opening path: FilePath) throws {
    let file = try InputFile(opening: path)
    guard file.byteCount <= ShardIndex.byteLimit else {
      throw SafetensorsError.malformedIndex(file: path, fault: .tooLarge(byteCount: file.byteCount))
    }
    let bytes = try file.read(0..<file.byteCount)
    do { try unsafe self.init(bytes.span.bytes) } catch {
      let name = path.lastComponent?.string ?? ""
      if error == .noWeightMap, name.isNoIndex,
        let kind = unsafe JSONDocumentKind(bytes.span.bytes, name: name)
      {
        throw SafetensorsError.malformedIndex(file: path, fault: .otherDocument(kind))
      }
      throw SafetensorsError.malformedIndex(file: path, fault: error)
    }
  }

  /// Reads the text of an index.
  init(_ text: RawSpan) throws(IndexFault) {
    let document: JSONValue
    do { document = try JSONValue(parsing: text) } catch { throw .json(error) }
    guard let map = document["weight_map"]?.object else { throw .noWeightMap }
    if map.members.isEmpty { throw .emptyWeightMap }
    var shardOfTensor: [(tensor: String, shard: String)] = []
    shardOfTensor.reserveCapacity(map.members.count)
    for member in map.members {
      guard let shard = member.value.string else { throw .shardNotText(tensor: member.key) }
      if OutputName.pickleEndings.contains(where: { shard.droppingSuffix($0) != nil }) {
        throw .pickledShard(shard)
      }
      guard ShardIndex.isSafe(shard) else {
        throw .unsafeShardName(tensor: member.key, shard: shard)
      }
      shardOfTensor.append((member.key, shard))
    }
    self.shardOfTensor = shardOfTensor
    totalSize = document["metadata"]?["total_size"]?.integer
  }

  /// The shards, each once, in the order of their names' bytes.
  var shards: [String] {
    var index = UTF8Index()
    var shards: [String] = []
    for (_, shard) in shardOfTensor {
      let known = shards
      if index.insert(shard, at: known.count, name: { known[$0] }) == nil { shards.append(shard) }
    }
    return shards.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Whether a name can only be that of a file in the index's folder.
  private static func isSafe(_ shard: String) -> Bool {
    shard.droppingSuffix(".safetensors")?.isEmpty == false
      && !shard.utf8.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") || $0 == 0 }
  }
}
