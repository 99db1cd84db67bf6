internal import GGUF
internal import Safetensors
internal import Synchronization
package import Tensors

/// Makes the bytes of an output's tensors, any part of any of them, from several threads at once.
///
/// What comes out depends on nothing but the plan: not on threads, portions or order.
package final class TensorMaker: Sendable {
  /// Elements that are worked on at a time; a multiple of every block of GGUF, and of four.
  package static let portion = 1 << 20

  /// The tensors, in the order of the output.
  package let tensors: [PlannedTensor]
  private let scales: [ScaleCell]
  private let floats = BufferPool<Float>(count: portion, zero: 0)
  private let bytes = BufferPool<UInt8>(count: portion * 8, zero: 0)

  /// A maker of these tensors.
  package init(_ tensors: [PlannedTensor]) {
    self.tensors = tensors
    scales = tensors.map { _ in ScaleCell() }
  }

  /// Runs the body with the bytes of some elements: in place where an input has them as they are.
  ///
  /// - Parameters:
  ///   - elements: at most ``portion``; whole blocks for a tensor that is stored in blocks.
  ///   - index: which of ``tensors``.
  ///   - body: is given the bytes and what rounding them lost.
  /// - Returns: what the body returns.
  /// - Throws: when an input can't be read, or what the body throws.
  package func withBytes<Result>(
    _ elements: Range<Int>, of index: Int, _ body: (RawSpan, CastLoss) throws -> Result
  ) throws -> Result {
    if case .elements(let pieces, .copy) = tensors[index].origin,
      let (piece, range) = pieces.first(covering: elements)
    {
      let width = piece.tensor.dtype.bitCount
      return try piece.tensor.withBytes(range.lowerBound * width / 8..<range.upperBound * width / 8)
      {
        try body($0, CastLoss())
      }
    }
    let count = tensors[index].byteCount(elements: elements.count)
    return try bytes.withBuffer { buffer in
      var span = buffer.mutableSpan
      let whole = unsafe span.mutableBytes
      var output = whole._consumingExtracting(0..<count)
      let loss = try make(elements, of: index, into: &output)
      return try body(output.bytes, loss)
    }
  }

  /// Makes the bytes of some elements; see ``withBytes(_:of:_:)``.
  package func make(
    _ elements: Range<Int>, of index: Int, into output: inout MutableRawSpan
  ) throws -> CastLoss {
    let tensor = tensors[index]
    switch tensor.origin {
    case .bytes(let bytes, let dtype):
      let width = dtype.bitCount / 8
      for (position, byte) in bytes[elements.lowerBound * width..<elements.upperBound * width]
        .enumerated()
      {
        output.storeBytes(of: byte, toByteOffset: position, as: UInt8.self)
      }
      return CastLoss()
    case .scale(let weight):
      output.storeBytes(of: try scale(of: weight), as: Float.self)
      return CastLoss()
    case .elements(let pieces, let encoding):
      return try encode(
        pieces, encoding, elements, of: index, name: tensor.name, into: &output)
    }
  }
}

extension TensorMaker {
  /// A scale that is found when it is first asked for.
  private final class ScaleCell: Sendable {
    let value = Mutex<Float?>(nil)
  }

  /// The scale of a tensor that is encoded as ``TensorEncoding/scaled(_:)``.
  package func scale(of index: Int) throws -> Float {
    try scales[index].value.withLock { value in
      if let value { return value }
      guard case .elements(let pieces, .scaled(let dtype)) = tensors[index].origin else {
        preconditionFailure("only scaled tensors have a scale")
      }
      var largest: Float = 0
      let count = tensors[index].elementCount
      for start in stride(from: 0, to: count, by: Self.portion) {
        let part = start..<min(count, start + Self.portion)
        largest = max(largest, try withValues(part, of: pieces) { largestMagnitude($0.span) })
      }
      // A tensor of zeros has any scale.
      let found = largest == 0 ? 1 : largest / dtype.largestNumber
      value = found
      return found
    }
  }

  /// Runs the body with the values of some elements, in float32.
  private func withValues<Result>(
    _ elements: Range<Int>, of pieces: [TensorPiece],
    _ body: (inout MutableSpan<Float>) throws -> Result
  ) throws -> Result {
    try floats.withBuffer { buffer in
      let whole = buffer.mutableSpan
      var values = whole._consumingExtracting(0..<elements.count)
      for (piece, range, position) in pieces.overlapping(elements) {
        var part = values._mutatingExtracting(position..<position + range.count)
        try piece.widen(range, into: &part)
      }
      return try body(&values)
    }
  }

  private func encode(
    _ pieces: [TensorPiece], _ encoding: TensorEncoding, _ elements: Range<Int>, of index: Int,
    name: String, into output: inout MutableRawSpan
  ) throws -> CastLoss {
    switch encoding {
    case .copy:
      try copy(pieces, elements, into: &output)
      return CastLoss()
    case .cast(let dtype, .nearest) where pieces.allSatisfy({ $0.scale == nil }):
      // From the input's own type, so that rounding happens once also from F64.
      return try castDirectly(pieces, to: dtype, elements, into: &output)
    case .cast(let dtype, let rounding):
      return try withValues(elements, of: pieces) { values in
        round(
          values.span, to: dtype, rounding, name: name, first: elements.lowerBound, into: &output)
      }
    case .scaled(let dtype):
      let inverse = 1 / (try scale(of: index))
      return try withValues(elements, of: pieces) { values in
        for position in values.indices { values[position] *= inverse }
        let loss = CastLoss(of: values.span, to: dtype)
        narrow(values.span, to: dtype, into: &output)
        return loss
      }
    case .block(let type):
      return try withValues(elements, of: pieces) { values in
        quantize(values.span, to: type, into: &output)
        return CastLoss()
      }
    }
  }

  private func copy(
    _ pieces: [TensorPiece], _ elements: Range<Int>, into output: inout MutableRawSpan
  ) throws {
    for (piece, range, position) in pieces.overlapping(elements) {
      let bits = piece.tensor.dtype.bitCount
      try piece.tensor.withBytes(range.lowerBound * bits / 8..<range.upperBound * bits / 8) {
        bytes in
        var part = output._mutatingExtracting(
          position * bits / 8..<position * bits / 8 + bytes.byteCount)
        copyBytes(bytes, into: &part)
      }
    }
  }

  private func castDirectly(
    _ pieces: [TensorPiece], to dtype: DType, _ elements: Range<Int>,
    into output: inout MutableRawSpan
  ) throws -> CastLoss {
    var loss = CastLoss()
    let width = dtype.bitCount / 8
    for (piece, range, position) in pieces.overlapping(elements) {
      let source = piece.tensor.dtype
      let size = source.bitCount / 8
      try piece.tensor.withBytes(range.lowerBound * size..<range.upperBound * size) { bytes in
        var part = output._mutatingExtracting(position * width..<(position + range.count) * width)
        loss += cast(bytes, from: source, to: dtype, into: &part)
      }
    }
    return loss
  }
}

/// Rounds values to a type; random numbers are those of the tensor's name, so that they depend
/// neither on the other tensors nor on their order.
package func round(
  _ values: Span<Float>, to dtype: DType, _ rounding: Rounding, name: String, first: Int,
  into output: inout MutableRawSpan
) -> CastLoss {
  var loss = CastLoss(of: values, to: dtype)
  switch rounding {
  case .nearest: narrow(values, to: dtype, into: &output)
  case .stochastic(let seed):
    // Whether a small number becomes zero is chance, and no loss of the mean.
    loss.underflowCount = 0
    let stream = RandomStream(seed: seed, purpose: .rounding, step: name.streamNumber)
    narrowAtRandom(values, to: dtype, stream, first: first, into: &output)
  }
  return loss
}

extension String {
  /// A number for the stream of random numbers of a tensor.
  ///
  /// Source: Fowler, Noll and Vo, FNV-1a with 32 bits.
  fileprivate var streamNumber: UInt32 {
    utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
  }
}
