internal import Concurrency

/// What gradients are computed from, and where they go.
@unsafe struct AttentionOperands {
  let q, k, v, dOut: UnsafePointer<Float>
  let dq, dk, dv: UnsafeMutablePointer<Float>
}

extension TiledAttention {
  /// Computes the gradients; nothing is written where there are no keys or queries. A key head is one
  /// thread's: sums over queries are in the order of the heads that share it, and of tiles.
  func backward(_ operands: AttentionOperands) {
    guard queries > 0, keys > 0, channels > 0 else { return }
    let plan = HeadPlan(self)
    Parallel.forEach(form.keyValueHeads, work: 5 * work) { keyHead in
      unsafe Scratch.withBytes(plan.byteCount) { memory in
        unsafe BackwardHead(
          attention: self, plan: plan, memory: memory, operands: operands, keyHead: keyHead
        ).run()
      }
    }
  }
}

/// Parts of what a thread needs for the gradients of a key head.
struct HeadPlan {
  /// Of all keys: left operands, then sums by panels of keys.
  let keyRows, valueRows, keyColumns, dKeys, dValues: Int
  /// Of a tile of queries: right operands, left operands, sums, lanes and the largest score by block.
  let queries, dOut, queryColumns, dOutColumns, dQueries, lanes, largest: Int
  /// Of a tile of queries and all keys: weights, and gradients of weights.
  let weights, gradients: Int
  /// Of a tile of queries and a block of keys: both as right operands, by panels of keys.
  let weightPanels, gradientPanels, spare: Int
  /// Bytes of all of them.
  let byteCount: Int

  /// The parts for an attention.
  init(_ attention: TiledAttention) {
    let (product, channels) = (attention.product, attention.channels)
    let width = TiledAttention.width
    let tile = min(TiledAttention.tileLength, attention.queries)
    let block = min(TiledAttention.blockLength, attention.keys)
    let panels = (tile + width - 1) / width
    let keyPanels = (attention.keys + width - 1) / width
    let scores = panels * attention.keys.roundedUp(to: attention.product.tileRows) * width * 4
    let sums = attention.channelRows * width * 4
    var plan = BufferPlan()
    keyRows = plan.place(attention.keyRowsByteCount)
    valueRows = plan.place(attention.keyRowsByteCount)
    keyColumns = plan.place(attention.keyColumnsByteCount)
    dKeys = plan.place(keyPanels * sums)
    dValues = plan.place(keyPanels * sums)
    queries = plan.place(panels * product.rightByteCount(steps: channels))
    dOut = plan.place(panels * product.rightByteCount(steps: channels))
    queryColumns = plan.place(product.leftByteCount(rows: channels, steps: tile))
    dOutColumns = plan.place(product.leftByteCount(rows: channels, steps: tile))
    dQueries = plan.place(panels * sums)
    lanes = plan.place(panels * TiledAttention.lanesByteCount)
    largest = plan.place(panels * ((attention.keys + block - 1) / block) * width * 4)
    weights = plan.place(scores)
    gradients = plan.place(scores)
    let blockPanels = (block + width - 1) / width
    weightPanels = plan.place(blockPanels * product.rightByteCount(steps: tile))
    gradientPanels = plan.place(blockPanels * product.rightByteCount(steps: tile))
    spare = plan.place(product.rightByteCount(steps: block))
    byteCount = plan.byteCount
  }
}
