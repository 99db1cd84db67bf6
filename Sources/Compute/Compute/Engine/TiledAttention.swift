internal import CKernels

/// softmax(scale · q · kᵀ + bias) · v and its gradients in tiles of queries and blocks of keys: no more of
/// the matrix of scores exists than that.
///
/// All is computed with keys or channels as rows and 48 queries as columns. A query's numbers then stay in
/// a lane of their own: no sum crosses lanes, its bits don't depend on other queries, and weights are right
/// operands of the next product as they are.
///
/// Sources: Milakov and Gimelshein, "Online normalizer calculation for softmax" (arXiv 1805.02867); Dao et al.,
/// "FlashAttention" (arXiv 2205.14135).
struct TiledAttention {
  let form: AttentionForm
  let product: StripProduct
  let queries: Int
  let keys: Int
  let channels: Int

  /// Queries that share the operands made of a block of keys while these are in the cache.
  static let tileLength = 96
  /// Keys of a block: whole panels of them.
  static let blockLength = 192
  /// Columns of a panel.
  static let width = StripProduct.tileColumns
  /// Bytes of what is known of a panel of queries.
  static let lanesByteCount = 5 * width * 4

  /// Sizes that go together.
  init(form: AttentionForm, product: StripProduct, queries: Int, keys: Int, channels: Int) {
    self.form = form
    self.product = product
    self.queries = queries
    self.keys = keys
    self.channels = channels
    precondition(form.scale > 0, "the scale must be above 0")
    precondition(form.heads % form.keyValueHeads == 0, "query heads must share key heads evenly")
    precondition(!form.isCausal || queries == keys, "a causal mask needs as many queries as keys")
    if let bias = form.relativeBias {
      precondition(bias.shape == [form.heads, 2 * keys - 1] && queries <= keys)
    }
  }

  /// Consecutive panels of queries or keys, numbered.
  static func panels(of range: Range<Int>) -> some Sequence<(offset: Int, element: Range<Int>)> {
    range.portions(of: width).enumerated()
  }

  /// Floats from one query to the next.
  var queryStride: Int { form.heads * channels }
  /// Floats from one key to the next.
  var keyStride: Int { form.keyValueHeads * channels }
  /// Query heads that a key head serves.
  var group: Int { form.heads / form.keyValueHeads }
  /// Tiles of a head.
  var tileCount: Int { (queries + Self.tileLength - 1) / Self.tileLength }
  /// Rows of sums over keys, in whole panels.
  var channelRows: Int { channels.roundedUp(to: product.tileRows) }
  /// Roughly how many operations a product over all heads has.
  var work: Int { 2 * form.heads * queries * keys * channels }

  /// The queries of a tile.
  func tile(_ index: Int) -> Range<Int> {
    index * Self.tileLength..<min(queries, (index + 1) * Self.tileLength)
  }

  /// The blocks of keys that some query of a tile sees.
  func blocks(for tile: Range<Int>) -> LazyMapSequence<StrideTo<Int>, Range<Int>> {
    let seen = form.isCausal ? tile.upperBound.roundedUp(to: Self.blockLength) : keys
    return (0..<min(keys, seen)).portions(of: Self.blockLength)
  }
}

/// Keys or values as left operands, of one head: block after block.
extension TiledAttention {
  /// Bytes of all of them with keys as rows.
  var keyRowsByteCount: Int { product.leftByteCount(rows: keys, steps: channels) }
  /// Bytes of all of them with channels as rows.
  var keyColumnsByteCount: Int { product.leftByteCount(rows: channels, steps: keys) }

  /// Where a block begins that has keys as rows.
  func keyRows(_ block: Range<Int>) -> Int {
    product.leftByteCount(rows: block.lowerBound, steps: channels)
  }

  /// Where a block begins that has channels as rows.
  func keyColumns(_ block: Range<Int>) -> Int {
    product.leftByteCount(rows: channels, steps: block.lowerBound)
  }

  /// Packs a block of keys or values as rows.
  ///
  /// - Parameters:
  ///   - x: the head's first channel of the first key.
  ///   - block: which keys.
  ///   - memory: where all blocks go.
  func packRows(
    of x: UnsafePointer<Float>, _ block: Range<Int>, into memory: UnsafeMutableRawPointer
  ) {
    unsafe product.packLeft(
      MatrixView(start: x + block.lowerBound * keyStride, stride: keyStride), rows: block.count,
      steps: channels, into: memory + keyRows(block))
  }

  /// Packs a block of keys or values with channels as rows; see ``packRows(of:_:into:)``.
  func packColumns(
    of x: UnsafePointer<Float>, _ block: Range<Int>, into memory: UnsafeMutableRawPointer
  ) {
    unsafe product.packLeft(
      MatrixView(start: x + block.lowerBound * keyStride, stride: keyStride), isTransposed: true,
      rows: channels, steps: block.count, into: memory + keyColumns(block))
  }
}

/// Scores.
extension TiledAttention {
  /// The power of two that a difference of 1 between scores stands for.
  var exponent: Float { (form.relativeBias == nil ? form.scale : 1) * 1.442_695_04 }

  /// Computes the scores of a block of keys for a panel of queries, of which ``exponent`` makes powers.
  ///
  /// - Parameters:
  ///   - head: the query head.
  ///   - block: which keys.
  ///   - panel: which queries.
  ///   - keys: the block, keys as rows.
  ///   - queries: the panel.
  ///   - scores: `[keys, 48]`, keys in whole panels.
  func scores(
    _ head: Int, _ block: Range<Int>, _ panel: Range<Int>, keys: UnsafeRawPointer,
    queries: UnsafeRawPointer, into scores: UnsafeMutablePointer<Float>
  ) {
    unsafe product.multiply(
      keys, rows: block.count, by: queries, steps: channels, adding: false, into: scores)
    let ahead = block.lowerBound - panel.lowerBound
    if let bias = form.relativeBias {
      unsafe bias.withFloats { bias in
        guard let start = bias.baseAddress else { return }
        let zero = head * (2 * self.keys - 1) + self.keys - 1
        unsafe ck_attention_bias(
          scores, block.count, panel.count, form.scale, start + zero + ahead)
      }
    }
    if form.isCausal, block.upperBound > panel.lowerBound + 1 {
      unsafe ck_attention_mask(scores, block.count, ahead)
    }
  }
}

/// What is known of the queries of a panel, a float each; see `CKernelsAttention.h`.
@unsafe struct QueryLanes {
  let largest: UnsafeMutablePointer<Float>
  let sum: UnsafeMutablePointer<Float>
  let correction: UnsafeMutablePointer<Float>
  let factors: UnsafeMutablePointer<Float>
  let dots: UnsafeMutablePointer<Float>

  /// Lanes in memory of ``TiledAttention/lanesByteCount``.
  init(_ memory: UnsafeMutableRawPointer) {
    let width = TiledAttention.width
    unsafe largest = memory.assumingMemoryBound(to: Float.self)
    unsafe sum = largest + width
    unsafe correction = sum + width
    unsafe factors = correction + width
    unsafe dots = factors + width
  }

  /// As it is before the first block.
  func reset() {
    let width = TiledAttention.width
    unsafe largest.update(repeating: -.infinity, count: width)
    unsafe sum.update(repeating: 0, count: width)
    unsafe dots.update(repeating: 0, count: width)
  }
}
