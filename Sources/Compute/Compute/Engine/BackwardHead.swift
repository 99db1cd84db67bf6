internal import CKernels

private let width = TiledAttention.width

/// The gradients of a key head and of the query heads that it serves, on one thread.
///
/// A tile's weights and their gradients are computed for all keys first: only then is it known what the
/// softmax takes away from the gradients.
@unsafe struct BackwardHead {
  let attention: TiledAttention
  let plan: HeadPlan
  let memory: UnsafeMutableRawPointer
  let operands: AttentionOperands
  let keyHead: Int

  /// Computes them.
  func run() {
    unsafe attention.product.begun { unsafe compute() }
  }

  private func compute() {
    unsafe packKeys()
    let (group, scale) = unsafe (attention.group, attention.form.scale)
    for head in unsafe keyHead * group..<(keyHead + 1) * group {
      for tile in unsafe (0..<attention.queries).portions(of: TiledAttention.tileLength) {
        unsafe packQueries(head, tile)
        for block in unsafe attention.blocks(for: tile) { unsafe computeWeights(head, tile, block) }
        for (index, _) in TiledAttention.panels(of: tile) {
          let lanes = unsafe lanes(index)
          unsafe ck_attention_factors(
            lanes.largest, lanes.largest, attention.exponent, lanes.sum, lanes.factors)
          unsafe ck_attention_rescale(lanes.dots, 1, lanes.factors)
        }
        for block in unsafe attention.blocks(for: tile) { unsafe addGradients(tile, block) }
        for (index, panel) in TiledAttention.panels(of: tile) {
          let start = unsafe operands.dq + queryOffset(head, panel)
          unsafe store(
            sums(plan.dQueries, index), times: scale, count: panel.count, to: start,
            stride: attention.queryStride)
        }
      }
    }
    for (index, panel) in unsafe TiledAttention.panels(of: 0..<attention.keys) {
      let offset = unsafe panel.lowerBound * attention.keyStride + keyHead * attention.channels
      unsafe store(
        sums(plan.dKeys, index), times: scale, count: panel.count, to: operands.dk + offset,
        stride: attention.keyStride)
      unsafe store(
        sums(plan.dValues, index), times: 1, count: panel.count, to: operands.dv + offset,
        stride: attention.keyStride)
    }
  }
}

/// Parts of the memory.
extension BackwardHead {
  /// Floats of a part.
  private func floats(_ part: Int) -> UnsafeMutablePointer<Float> {
    unsafe (memory + part).assumingMemoryBound(to: Float.self)
  }

  /// Sums of channels for a panel of queries or keys.
  private func sums(_ part: Int, _ panel: Int) -> UnsafeMutablePointer<Float> {
    unsafe floats(part) + panel * attention.channelRows * width
  }

  /// What is known of a panel of the tile's queries.
  private func lanes(_ panel: Int) -> QueryLanes {
    unsafe QueryLanes(memory + plan.lanes + panel * TiledAttention.lanesByteCount)
  }

  /// A block's part of weights or of their gradients, for a panel of the tile's queries.
  private func scores(_ part: Int, _ panel: Int, _ block: Range<Int>) -> UnsafeMutablePointer<Float>
  {
    let rows = unsafe attention.keys.roundedUp(to: attention.product.tileRows)
    return unsafe floats(part) + (panel * rows + block.lowerBound) * width
  }

  /// The largest scores of a panel of queries as they were after a block.
  private func largest(_ panel: Int, _ block: Range<Int>) -> UnsafeMutablePointer<Float> {
    let length = TiledAttention.blockLength
    let blocks = unsafe (attention.keys + length - 1) / length
    return unsafe floats(plan.largest) + (panel * blocks + block.lowerBound / length) * width
  }

  /// A right operand over channels, for a panel of the tile's queries.
  private func queryPanel(_ part: Int, _ panel: Int) -> UnsafeMutableRawPointer {
    unsafe memory + part
      + panel * attention.product.rightByteCount(steps: attention.channels)
  }

  /// A right operand over so many queries of the tile, for a panel of the block's keys.
  private func keyPanel(_ part: Int, _ panel: Int, steps: Int) -> UnsafeMutableRawPointer {
    unsafe memory + part + panel * attention.product.rightByteCount(steps: steps)
  }
}

/// Steps.
extension BackwardHead {
  private func packKeys() {
    let offset = unsafe keyHead * attention.channels
    for block in unsafe (0..<attention.keys).portions(of: TiledAttention.blockLength) {
      unsafe attention.packRows(of: operands.k + offset, block, into: memory + plan.keyRows)
      unsafe attention.packRows(of: operands.v + offset, block, into: memory + plan.valueRows)
      unsafe attention.packColumns(of: operands.k + offset, block, into: memory + plan.keyColumns)
    }
    let panels = unsafe (attention.keys + width - 1) / width
    let count = unsafe panels * attention.channelRows * width
    unsafe floats(plan.dKeys).update(repeating: 0, count: count)
    unsafe floats(plan.dValues).update(repeating: 0, count: count)
  }

  private func queryOffset(_ head: Int, _ queries: Range<Int>) -> Int {
    unsafe queries.lowerBound * attention.queryStride + head * attention.channels
  }

  private func packQueries(_ head: Int, _ tile: Range<Int>) {
    unsafe packQueries(operands.q, head, tile, panels: plan.queries, columns: plan.queryColumns)
    unsafe packQueries(operands.dOut, head, tile, panels: plan.dOut, columns: plan.dOutColumns)
    for (index, _) in TiledAttention.panels(of: tile) { unsafe lanes(index).reset() }
  }

  private func packQueries(
    _ x: UnsafePointer<Float>, _ head: Int, _ tile: Range<Int>, panels: Int, columns: Int
  ) {
    let (product, stride) = unsafe (attention.product, attention.queryStride)
    let channels = unsafe attention.channels
    unsafe product.packLeft(
      MatrixView(start: x + queryOffset(head, tile), stride: stride), isTransposed: true,
      rows: channels, steps: tile.count, into: memory + columns)
    for (index, panel) in TiledAttention.panels(of: tile) {
      unsafe product.packRight(
        MatrixView(start: x + queryOffset(head, panel), stride: stride), isTransposed: true,
        columns: panel.count, steps: channels, into: queryPanel(panels, index))
    }
  }

  /// Computes weights as far as the keys so far tell them, and the gradients of weights: dOut · vᵀ.
  private func computeWeights(_ head: Int, _ tile: Range<Int>, _ block: Range<Int>) {
    for (index, panel) in TiledAttention.panels(of: tile) {
      let (weights, gradients) = unsafe (
        scores(plan.weights, index, block), scores(plan.gradients, index, block)
      )
      let (lanes, rows) = unsafe (lanes(index), attention.keyRows(block))
      unsafe attention.scores(
        head, block, panel, keys: memory + plan.keyRows + rows,
        queries: queryPanel(plan.queries, index), into: weights)
      unsafe attention.product.multiply(
        memory + plan.valueRows + rows, rows: block.count, by: queryPanel(plan.dOut, index),
        steps: attention.channels, adding: false, into: gradients)
      unsafe ck_attention_weights(
        weights, block.count, attention.exponent, lanes.largest, lanes.sum, lanes.correction)
      unsafe largest(index, block).update(from: lanes.largest, count: width)
      unsafe ck_attention_dots(weights, gradients, block.count, lanes.correction, lanes.dots)
    }
  }

  /// Finishes weights, and adds what a block of keys contributes: dq += dScores · k,
  /// dv += weightsᵀ · dOut, dk += dScoresᵀ · q.
  private func addGradients(_ tile: Range<Int>, _ block: Range<Int>) {
    let product = unsafe attention.product
    let channels = unsafe attention.channels
    for (index, panel) in TiledAttention.panels(of: tile) {
      let (weights, gradients) = unsafe (
        scores(plan.weights, index, block), scores(plan.gradients, index, block)
      )
      let lanes = unsafe lanes(index)
      unsafe ck_attention_factors(
        largest(index, block), lanes.largest, attention.exponent, lanes.sum, lanes.factors)
      unsafe ck_attention_gradients(weights, gradients, block.count, lanes.factors, lanes.dots)
      unsafe packPanels(of: weights, tile, panel, block, into: plan.weightPanels)
      unsafe packPanels(of: gradients, tile, panel, block, into: plan.gradientPanels)
      let dScores = unsafe product.panel(
        of: gradients, steps: block.count, spare: memory + plan.spare)
      unsafe product.multiply(
        memory + plan.keyColumns + attention.keyColumns(block), rows: channels, by: dScores,
        steps: block.count, adding: block.lowerBound > 0, into: sums(plan.dQueries, index))
    }
    for (index, keys) in TiledAttention.panels(of: block) {
      let (steps, panel) = (tile.count, keys.lowerBound / width)
      unsafe product.multiply(
        memory + plan.dOutColumns, rows: channels,
        by: keyPanel(plan.weightPanels, index, steps: steps), steps: steps, adding: true,
        into: sums(plan.dValues, panel))
      unsafe product.multiply(
        memory + plan.queryColumns, rows: channels,
        by: keyPanel(plan.gradientPanels, index, steps: steps), steps: steps, adding: true,
        into: sums(plan.dKeys, panel))
    }
  }

  /// Turns weights or gradients of a panel of queries into rows of right operands.
  private func packPanels(
    of scores: UnsafePointer<Float>, _ tile: Range<Int>, _ panel: Range<Int>, _ block: Range<Int>,
    into part: Int
  ) {
    let product = unsafe attention.product
    let earlier = panel.lowerBound - tile.lowerBound
    for (index, keys) in TiledAttention.panels(of: block) {
      let rows = unsafe scores + (keys.lowerBound - block.lowerBound) * width
      unsafe product.packRight(
        MatrixView(start: rows, stride: width), isTransposed: true, columns: keys.count,
        steps: panel.count, after: earlier, into: keyPanel(part, index, steps: tile.count))
    }
  }

  /// Stores sums of channels as rows of a gradient.
  private func store(
    _ sums: UnsafePointer<Float>, times factor: Float, count: Int,
    to rows: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let factors = unsafe lanes(0).factors
    unsafe factors.update(repeating: factor, count: width)
    unsafe ck_attention_store(sums, attention.channels, count, factors, rows, stride)
  }
}
