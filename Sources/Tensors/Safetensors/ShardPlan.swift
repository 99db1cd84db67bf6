internal import SystemPackage
internal import Tensors

/// Which tensor goes into which shard: in the order given, each shard filled as far as its size
/// allows; a tensor is never split, so a larger one has a shard of its own.
///
/// Source: huggingface/huggingface_hub, `serialization/_base.py`,
/// `split_state_dict_into_shards_factory`.
struct ShardPlan {
  /// Indexes of the tensors of each shard.
  let shards: [Range<Int>]
  /// Bytes of the tensors of each shard.
  let byteCounts: [Int]

  init(
    tensors: [TensorDescription], shardByteLimit: Int, file: FilePath
  ) throws {
    precondition(shardByteLimit > 0, "shards need a size")
    var shards: [Range<Int>] = []
    var byteCounts: [Int] = []
    var start = 0
    var size = 0
    var total = 0
    for (index, tensor) in tensors.enumerated() {
      let byteCount = try HeaderText.byteCount(of: tensor, after: total, file: file)
      if index > start, byteCount > shardByteLimit - size {
        shards.append(start..<index)
        byteCounts.append(size)
        start = index
        size = 0
      }
      size += byteCount
      total += byteCount
    }
    self.shards = shards + [start..<tensors.count]
    self.byteCounts = byteCounts + [size]
  }

  /// The shards' file names: `<base>.safetensors` for one, else `<base>-00001-of-00003.safetensors`.
  func names(base: String) -> [String] {
    if shards.count == 1 { return ["\(base).safetensors"] }
    return shards.indices.map { ShardName(base: base, number: $0 + 1, count: shards.count).name }
  }
}
