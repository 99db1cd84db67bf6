internal import CKernels
internal import Concurrency

extension TiledAttention {
  /// Bytes that keys and values of several heads may take, packed; more heads are taken one part after the
  /// other.
  private static let packedByteCount = 32 << 20

  /// Parts of what a thread needs for a tile.
  private struct TilePlan {
    let queries, scores, spare, sums, lanes: Int
    /// Bytes of all of them.
    let byteCount: Int

    init(_ attention: TiledAttention) {
      let (product, width) = (attention.product, TiledAttention.width)
      let panels = TiledAttention.tileLength / width
      let block = min(TiledAttention.blockLength, attention.keys)
      var plan = BufferPlan()
      queries = plan.place(panels * product.rightByteCount(steps: attention.channels))
      scores = plan.place(block.roundedUp(to: attention.product.tileRows) * width * 4)
      spare = plan.place(product.rightByteCount(steps: block))
      sums = plan.place(panels * attention.channelRows * width * 4)
      lanes = plan.place(panels * TiledAttention.lanesByteCount)
      byteCount = plan.byteCount
    }
  }

  /// Bytes of a head's keys and values, packed.
  private var headByteCount: Int { keyRowsByteCount + keyColumnsByteCount }
  /// Key heads that are packed at a time.
  private var headsTogether: Int { max(1, Self.packedByteCount / max(headByteCount, 1)) }

  /// Bytes that the output's computation borrows, for all threads together and for each.
  var forwardScratch: (shared: Int, ofThread: Int) {
    (min(headsTogether, form.keyValueHeads) * headByteCount, TilePlan(self).byteCount)
  }

  /// Computes the output `[queries, heads · channels]`; nothing is written where there are no keys.
  func forward(
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
    into output: UnsafeMutablePointer<Float>
  ) {
    guard keys > 0, channels > 0 else { return }
    let headByteCount = headByteCount
    let blocks = Array((0..<keys).portions(of: Self.blockLength))
    let plan = TilePlan(self)
    for keyHeads in (0..<form.keyValueHeads).portions(of: headsTogether) {
      unsafe Scratch.withBytes(keyHeads.count * headByteCount) { packed in
        Parallel.forEach(
          keyHeads.count * blocks.count, work: 4 * keyHeads.count * keys * channels
        ) { index in
          let (head, block) = (index / blocks.count, blocks[index % blocks.count])
          let memory = unsafe packed + head * headByteCount
          let offset = (keyHeads.lowerBound + head) * channels
          unsafe packRows(of: k + offset, block, into: memory)
          unsafe packColumns(of: v + offset, block, into: memory + keyRowsByteCount)
        }
        Parallel.forEach(
          keyHeads.count * group * tileCount, work: 2 * work / form.keyValueHeads * keyHeads.count
        ) { index in
          let head = index / tileCount
          let memory = unsafe UnsafeRawPointer(packed) + head / group * headByteCount
          product.begun {
            unsafe forward(
              head: keyHeads.lowerBound * group + head, tile: tile(index % tileCount), plan, q,
              keys: memory, values: memory + keyRowsByteCount, into: output)
          }
        }
      }
    }
  }

  private func forward(
    head: Int, tile: Range<Int>, _ plan: TilePlan, _ q: UnsafePointer<Float>,
    keys: UnsafeRawPointer, values: UnsafeRawPointer, into output: UnsafeMutablePointer<Float>
  ) {
    let panelByteCount = product.rightByteCount(steps: channels)
    let sumCount = channelRows * Self.width
    unsafe Scratch.withBytes(plan.byteCount) { memory in
      let scores = unsafe (memory + plan.scores).assumingMemoryBound(to: Float.self)
      let sums = unsafe (memory + plan.sums).assumingMemoryBound(to: Float.self)
      func lanes(_ index: Int) -> QueryLanes {
        unsafe QueryLanes(memory + plan.lanes + index * Self.lanesByteCount)
      }
      for (index, panel) in Self.panels(of: tile) {
        let rows = unsafe q + panel.lowerBound * queryStride + head * channels
        unsafe product.packRight(
          MatrixView(start: rows, stride: queryStride), isTransposed: true, columns: panel.count,
          steps: channels, into: memory + plan.queries + index * panelByteCount)
        unsafe lanes(index).reset()
      }
      for block in blocks(for: tile) {
        for (index, panel) in Self.panels(of: tile) {
          let (lanes, sums) = unsafe (lanes(index), sums + index * sumCount)
          unsafe self.scores(
            head, block, panel, keys: keys + keyRows(block),
            queries: memory + plan.queries + index * panelByteCount, into: scores)
          unsafe ck_attention_weights(
            scores, block.count, exponent, lanes.largest, lanes.sum, lanes.correction)
          if block.lowerBound > 0 {
            unsafe ck_attention_rescale(sums, channels, lanes.correction)
          }
          let weights = unsafe product.panel(
            of: scores, steps: block.count, spare: memory + plan.spare)
          unsafe product.multiply(
            values + keyColumns(block), rows: channels, by: weights, steps: block.count,
            adding: block.lowerBound > 0, into: sums)
        }
      }
      for (index, panel) in Self.panels(of: tile) {
        let lanes = unsafe lanes(index)
        unsafe ck_attention_factors(
          lanes.largest, lanes.largest, exponent, lanes.sum, lanes.factors)
        unsafe ck_attention_store(
          sums + index * sumCount, channels, panel.count, lanes.factors,
          output + panel.lowerBound * queryStride + head * channels, queryStride)
      }
    }
  }
}
