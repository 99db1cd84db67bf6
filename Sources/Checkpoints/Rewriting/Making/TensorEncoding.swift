package import Elements

/// How the elements of an output tensor are stored.
package enum TensorEncoding: Sendable, Equatable {
  /// The input's bytes.
  case copy
  /// Rounded once to a floating type.
  case cast(DType, Rounding)
  /// Eight-bit codes with one scale for the whole tensor: scale = max |w| / the type's largest number,
  /// code = w · (1 / scale), rounded.
  ///
  /// Source: Comfy-Org/comfy-kitchen, `quantize_per_tensor_fp8`; here in float32 throughout.
  case scaled(DType, Rounding)
  /// Blocks of GGUF.
  case block(BlockType)
  /// Codes with factors of rows, of blocks or of the whole tensor beside them.
  case coded(Quantizer)
}

extension TensorEncoding {
  /// Stores values of a tensor.
  ///
  /// - Parameters:
  ///   - values: some of the tensor's, whole blocks where it is stored in blocks.
  ///   - scale: of the whole tensor, for ``scaled(_:_:)``; else 1.
  ///   - name: of the tensor; random numbers are those of its name, so that they depend neither on
  ///     the other tensors nor on their order.
  ///   - first: position of the first value in the tensor.
  ///   - output: their bytes.
  /// - Returns: what rounding lost.
  func store(
    _ values: inout MutableSpan<Float>, scale: Float, name: String, first: Int,
    into output: inout MutableRawSpan
  ) -> CastLoss {
    switch self {
    case .copy: preconditionFailure("values that are copied are not stored anew")
    case .coded: preconditionFailure("codes are made with what they stand for")
    case .cast(let dtype, let rounding):
      return rounding.round(values.span, to: dtype, name: name, first: first, into: &output)
    case .scaled(let dtype, let rounding):
      let inverse = 1 / scale
      for position in values.indices { values[position] *= inverse }
      return rounding.round(values.span, to: dtype, name: name, first: first, into: &output)
    case .block(let type):
      encode(values.span, as: type, into: &output)
      return CastLoss()
    }
  }

  /// Whether all elements have to be seen before any is stored: those of the tensor, or of a row.
  package var hasScales: Bool {
    switch self {
    case .copy, .cast, .block: false
    case .scaled: true
    case .coded(let quantizer): quantizer.extent != .nothing
    }
  }

  /// Whether so few bits are stored that it matters how much is lost: eight-bit floats and blocks.
  var isCoarse: Bool {
    switch self {
    case .copy: false
    case .cast(let dtype, _): dtype.isEightBitFloat
    case .scaled, .block, .coded: true
    }
  }

  /// The values that stored bytes stand for.
  func load(
    _ bytes: RawSpan, scale: Float, into values: inout MutableSpan<Float>
  ) {
    switch self {
    case .copy: preconditionFailure("bytes that are copied have the input's type")
    case .coded: preconditionFailure("codes are made with what they stand for")
    case .cast(let dtype, _): widen(bytes, from: dtype, into: &values)
    case .scaled(let dtype, _):
      widen(bytes, from: dtype, into: &values)
      for position in values.indices { values[position] *= scale }
    case .block(let type): decode(bytes, from: type, into: &values)
    }
  }
}

extension Rounding {
  fileprivate func round(
    _ values: Span<Float>, to dtype: DType, name: String, first: Int,
    into output: inout MutableRawSpan
  ) -> CastLoss {
    var loss = CastLoss(of: values, to: dtype)
    switch self {
    case .nearest: narrow(values, to: dtype, into: &output)
    case .stochastic(let seed):
      // Whether a small number becomes zero is chance, and no loss of the mean.
      loss.underflowCount = 0
      let stream = RandomStream(seed: seed, purpose: .rounding, step: name.streamNumber)
      narrowAtRandom(values, to: dtype, stream, first: first, into: &output)
    case .feedback:
      loss.underflowCount = 0
      narrowWithFeedback(values, to: dtype, first: first, into: &output)
    }
    return loss
  }
}

extension String {
  /// A number for the stream of random numbers of a tensor.
  ///
  /// Source: Fowler, Noll and Vo, FNV-1a with 32 bits.
  fileprivate var streamNumber: UInt32 {
    utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
  }
}
