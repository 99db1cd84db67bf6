import FuzzSupport

@testable import Safetensors

/// The index of a sharded checkpoint: no shard that is accepted leads out of the index's folder.
@main
enum IndexTarget: FuzzTarget {
  static func run(_ input: RawSpan) {
    let index: ShardIndex
    do { index = try ShardIndex(input) } catch {
      _ = "\(error)"
      return
    }
    promise(!index.shards.isEmpty, "an index names a shard")
    for shard in index.shards {
      let bytes = Array(shard.utf8)
      promise(
        !bytes.contains { [0, UInt8(ascii: "/"), UInt8(ascii: "\\")].contains($0) }
          && bytes.count > ".safetensors".utf8.count, "a shard is a file of the folder")
    }
    promise(
      Set(index.shards.map { Array($0.utf8) }).count == index.shards.count, "each shard once")
  }
}
