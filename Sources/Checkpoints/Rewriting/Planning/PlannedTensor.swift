package import Elements
package import Tensors

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
}

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
