package import Elements
package import Tensors
internal import Text

/// One tensor of an output and how its bytes come about.
package struct PlannedTensor: Sendable {
  /// Its name in the output.
  package let name: String
  /// Its shape.
  package let shape: [Int]
  /// Where its bytes come from.
  package let origin: Origin

  /// Where bytes come from.
  package enum Origin: Sendable {
    /// Elements of inputs, one run after the other.
    case elements([TensorPiece], TensorEncoding)
    /// The float32 scale of another output tensor, which is encoded as ``TensorEncoding/scaled(_:_:)``.
    case scale(ofTensor: Int)
    /// These bytes.
    case bytes([UInt8], DType)
  }

  /// A tensor of that name, shape and origin.
  package init(name: String, shape: [Int], origin: Origin) {
    self.name = name
    self.shape = shape
    self.origin = origin
  }

  /// How the output stores it.
  package var storage: Encoding {
    switch origin {
    case .elements(let pieces, .copy): .elements(pieces.first?.tensor.dtype ?? .f32)
    case .elements(_, .cast(let dtype, _)), .elements(_, .scaled(let dtype, _)): .elements(dtype)
    case .elements(_, .block(let type)): .blocks(type)
    case .scale: .elements(.f32)
    case .bytes(_, let dtype): .elements(dtype)
    }
  }

  /// Number of elements.
  package var elementCount: Int { shape.elementCount }

  /// Number of bytes in the output.
  package var byteCount: Int { byteCount(elements: elementCount) }

  /// The bytes of some elements, which fill whole bytes or blocks.
  package func byteCount(elements: Int) -> Int { storage.byteCount(elements: elements) }

  /// What a safetensors header says of it; nil when it is stored in blocks.
  package var description: TensorDescription? {
    guard case .elements(let dtype) = storage else { return nil }
    return TensorDescription(name: name, dtype: dtype, shape: shape)
  }
}

extension [PlannedTensor] {
  /// The same tensors, those of wide elements first, so that every tensor of a safetensors file
  /// begins at a multiple of its elements' size: some programs map them as they are.
  ///
  /// Source: huggingface/safetensors, `safetensors/src/tensor.rs`, `prepare`.
  var aligned: [PlannedTensor] {
    if isUnchanged { return self }
    let order = indices.sorted { left, right in
      (self[right].elementBits, left) < (self[left].elementBits, right)
    }
    var places = [Int](repeating: 0, count: count)
    for (place, index) in order.enumerated() { places[index] = place }
    return order.map { index in
      guard case .scale(let weight) = self[index].origin else { return self[index] }
      return PlannedTensor(
        name: self[index].name, shape: self[index].shape, origin: .scale(ofTensor: places[weight]))
    }
  }

  /// Whether every tensor is one of the input, byte for byte, under its name.
  var isUnchanged: Bool {
    allSatisfy { tensor in
      guard case .elements(let pieces, .copy) = tensor.origin, let piece = pieces.first else {
        return false
      }
      return pieces.count == 1 && piece.elements.count == piece.tensor.elementCount
        && piece.tensor.name.sameBytes(as: tensor.name)
    }
  }
}

extension PlannedTensor {
  fileprivate var elementBits: Int {
    if case .elements(let dtype) = storage { dtype.bitCount } else { 8 }
  }
}
