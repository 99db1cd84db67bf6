internal import CTorch
package import Compute

extension TorchEngine {
  /// By PyTorch's flash attention where the device has it for these operands and the form, else in tiles of queries,
  /// whose scores are float32.
  package func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ form: AttentionForm) -> Tensor {
    let heads = AttentionHeads(q, k, v, form)
    return sure {
      let operands = try [q, k, v].map { try rows($0) }
      let result = try TorchTensor(emptyIn: session, session.activationType, q.shape)
      if form.isPlain, hasFlash(heads.channels) {
        let found = try flash(try operands.map { try heads.split($0) }, heads)
        try heads.split(result).take(found)
      } else {
        let (q, k, v) = (
          try heads.floats(operands[0]), try heads.floats(operands[1], form.keyValueHeads),
          try heads.floats(operands[2], form.keyValueHeads)
        )
        for queries in heads.tiles {
          var scores = try heads.scores(queries, q, k)
          if let bias = form.bias(queries, keys: heads.keys) {
            scores = try scores.plus(session.operand(bias))
          }
          let weights = try scores.softmax
          try heads.split(result, queries).take(
            try weights.product(v).view([1] + [heads.count, queries.count, heads.channels]))
        }
      }
      return tensor(result, q.shape)
    }
  }

  /// The gradients of forms that no transformer has are computed on the host.
  package func attentionBackward(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ form: AttentionForm, gradient: Tensor
  ) -> (q: Tensor, k: Tensor, v: Tensor) {
    guard form.isPlain else {
      return host.attentionBackward(
        q.onHost(), k.onHost(), v.onHost(), form, gradient: gradient.onHost())
    }
    let heads = AttentionHeads(q, k, v, form)
    return sure {
      let operands = try [gradient, q, k, v].map { try rows($0) }
      let found =
        hasFlash(heads.channels)
        ? try flashBackward(try operands.map { try heads.split($0) }, heads)
        : try tiledBackward(try operands.map { try heads.floats($0) }, heads)
      let gradients = try zip(found, [q, k, v]).map { found, like in
        let result = try TorchTensor(emptyIn: session, session.activationType, like.shape)
        try heads.split(result).take(found)
        return tensor(result, like.shape)
      }
      return (gradients[0], gradients[1], gradients[2])
    }
  }

  /// An operand as products take it, `[tokens, heads · channels]`.
  private func rows(_ x: Tensor) throws -> TorchTensor {
    try session.operand(x, [x.rows, x.columns]).to(session.activationType)
  }

  /// Whether PyTorch's flash attention takes heads of so many channels: CUDA's has bfloat16 alone.
  ///
  /// Source: pytorch/pytorch, `sdp_utils.cpp`, `check_head_dim_size_flash`.
  private func hasFlash(_ channels: Int) -> Bool {
    guard !session.tilesAttention else { return false }
    return session.isProcessor
      || session.isCUDA && session.precision == .bfloat16 && channels % 8 == 0 && channels <= 256
  }

  private func flash(_ qkv: [TorchTensor], _ heads: AttentionHeads) throws -> TorchTensor {
    try unsafe TorchTensor(session, qkv[0].type, qkv[0].sizes) { library in
      unsafe qkv[0].with { q in
        unsafe qkv[1].with { k in
          unsafe qkv[2].with { v in
            unsafe ct_attention(library, session.isProcessor, q, k, v, heads.scale, false)
          }
        }
      }
    }
  }

  /// The gradients of q, k and v, of operands that begin with the gradient of the output.
  private func flashBackward(
    _ operands: [TorchTensor], _ heads: AttentionHeads
  ) throws -> [TorchTensor] {
    var (dq, dk, dv): (OpaquePointer?, OpaquePointer?, OpaquePointer?)
    let isDone = unsafe operands[0].with { dOut in
      unsafe operands[1].with { q in
        unsafe operands[2].with { k in
          unsafe operands[3].with { v in
            unsafe ct_attention_backward(
              session.library, session.isProcessor, dOut, q, k, v, heads.scale, false, &dq, &dk,
              &dv)
          }
        }
      }
    }
    guard isDone else { throw TorchFailure.last }
    return try unsafe [(dq, 1), (dk, 2), (dv, 3)].map { made, index in
      try unsafe TorchTensor(session, operands[index].type, operands[index].sizes) { _ in
        unsafe made
      }
    }
  }

  /// The same in tiles of queries; see ``Tape/attention(_:_:_:_:)``.
  private func tiledBackward(
    _ operands: [TorchTensor], _ heads: AttentionHeads
  ) throws -> [TorchTensor] {
    let (dOut, q, k, v) = (operands[0], operands[1], operands[2], operands[3])
    let dq = try TorchTensor(emptyIn: session, .float32, q.sizes)
    var (dk, dv): (TorchTensor?, TorchTensor?)
    for queries in heads.tiles {
      let weights = try heads.scores(queries, q, k).softmax
      let (dTile, qTile) = (try heads.part(queries, of: dOut), try heads.part(queries, of: q))
      let dScores = try weights.softmaxBackward(dTile.product(v.exchanged)).times(heads.scaleFloat)
      try heads.part(queries, of: dq).take(try dScores.product(k))
      let toKeys = try dScores.exchanged.product(qTile)
      let toValues = try weights.exchanged.product(dTile)
      dk = try dk.map { try $0.plus(toKeys) } ?? toKeys
      dv = try dv.map { try $0.plus(toValues) } ?? toValues
    }
    guard let dk, let dv else { throw TorchFailure(description: "attention without queries") }
    return try [dq, dk, dv].map { try $0.view([1] + $0.sizes) }
  }
}

extension AttentionForm {
  /// Whether every query sees every key, and each head has keys of its own.
  fileprivate var isPlain: Bool {
    !isCausal && relativeBias == nil && heads == keyValueHeads
  }

  /// What is added to the scores of some queries: `[heads, queries, keys]`, or of one head for all; nil: nothing.
  fileprivate func bias(_ queries: Range<Int>, keys: Int) -> Tensor? {
    guard isCausal || relativeBias != nil else { return nil }
    let relative = relativeBias?.floats ?? []
    let width = relativeBias?.columns ?? 0
    let count = relativeBias == nil ? 1 : heads
    return unsafe Tensor(shape: [count, queries.count, keys]) { scores in
      var place = 0
      for head in 0..<count {
        for query in queries {
          // Of a key as far behind its query as there are entries before the middle.
          let first = head * width + (width - 1) / 2 - query
          for key in 0..<keys {
            unsafe scores[place] =
              isCausal && key > query ? -.infinity : width == 0 ? 0 : relative[first + key]
            place += 1
          }
        }
      }
    }
  }
}

extension TorchTensor {
  /// Matrices of a contiguous batch with their axes exchanged; a view.
  fileprivate var exchanged: TorchTensor {
    get throws {
      try view(
        [sizes[0], sizes[2], sizes[1]], strides: [sizes[1] * sizes[2], 1, sizes[2]])
    }
  }
}

/// How rows of tokens are seen by heads.
private struct AttentionHeads {
  let count: Int
  let channels: Int
  let scaleFloat: Float
  private let queries: Int
  let keys: Int

  var scale: Double { Double(scaleFloat) }

  /// The most scores of a tile.
  private static let tileCount = 1 << 26

  init(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ form: AttentionForm) {
    count = form.heads
    channels = q.columns / form.heads
    scaleFloat = form.scale
    queries = q.rows
    keys = k.rows
    precondition(q.columns == count * channels, "q must be [queries, heads * channels]")
    precondition(
      k.columns == form.keyValueHeads * channels && k.shape == v.shape,
      "k and v must be [keys, keyValueHeads * channels]")
  }

  /// Queries in portions whose scores are in memory together.
  var tiles: [Range<Int>] {
    let size = max(1, Self.tileCount / (count * keys))
    return stride(from: 0, to: queries, by: size).map { $0..<min(queries, $0 + size) }
  }

  /// Rows `[tokens, heads · channels]`, or some of them, as `[1, heads, tokens, channels]`; a view.
  func split(_ x: TorchTensor, _ rows: Range<Int>? = nil) throws -> TorchTensor {
    let width = count * channels
    let rows = rows ?? 0..<x.count / width
    return try x.view(
      [1, count, rows.count, channels], strides: [x.count, channels, width, 1],
      from: rows.lowerBound * width)
  }

  /// Rows of all heads, or of some that serve as many each, as contiguous `[heads, tokens, channels]` in float32.
  func floats(_ x: TorchTensor, _ own: Int? = nil) throws -> TorchTensor {
    let own = own ?? count
    let tokens = x.count / (own * channels)
    let result = try TorchTensor(emptyIn: x.session, .float32, [count, tokens, channels])
    try result.view([own, count / own, tokens, channels]).take(
      try x.view(
        [own, count / own, tokens, channels], strides: [channels, 0, own * channels, 1]))
    return result
  }

  /// Some tokens of contiguous `[heads, tokens, channels]`; a view.
  func part(_ tokens: Range<Int>, of x: TorchTensor) throws -> TorchTensor {
    try x.view(
      [count, tokens.count, channels], strides: [x.sizes[1] * channels, channels, 1],
      from: tokens.lowerBound * channels)
  }

  /// scale · q · kᵀ for some queries, `[heads, queries, keys]`.
  func scores(_ queries: Range<Int>, _ q: TorchTensor, _ k: TorchTensor) throws -> TorchTensor {
    try part(queries, of: q).product(k.exchanged).times(scaleFloat)
  }
}
