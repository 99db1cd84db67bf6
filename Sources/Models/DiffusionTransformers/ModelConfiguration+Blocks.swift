internal import ModelLoading

extension ModelConfiguration {
  /// The sizes of the blocks, and the channels of a head that each axis of positions turns, as both
  /// families' configurations say them.
  func blocks() throws(ModelError) -> (size: BlockSize, axes: [Int]) {
    let heads = try integer("num_attention_heads", in: 1...1024)
    let headChannels = try integer("attention_head_dim", in: 2...4096)
    let axes = try integers("axes_dims_rope", in: 2...4096, default: [16, 56, 56])
    guard axes.count == 3, axes.reduce(0, +) == headChannels, axes.allSatisfy({ $0 % 2 == 0 })
    else {
      throw .configuration(
        file: file, key: "axes_dims_rope",
        expected: "three even numbers that add up to attention_head_dim \(headChannels)",
        found: "\(axes)")
    }
    let width = heads * headChannels
    return (BlockSize(width: width, heads: heads, mlpWidth: 4 * width), axes)
  }
}
