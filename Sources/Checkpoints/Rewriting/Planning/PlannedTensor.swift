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
    /// The float32 scale of another output tensor, or those of its rows, where its encoding
    /// ``TensorEncoding/hasScales``.
    case scale(ofTensor: Int)
    /// The factors of the blocks of another output tensor, which is encoded as
    /// ``TensorEncoding/coded(_:)``, in that type.
    case blockScales(ofTensor: Int, DType)
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
    case .elements(_, .coded(let quantizer)): quantizer.codes
    case .scale: .elements(.f32)
    case .blockScales(_, let dtype): .elements(dtype)
    case .bytes(_, let dtype): .elements(dtype)
    }
  }

  /// Number of elements.
  package var elementCount: Int { shape.elementCount }

  /// Number of bytes in the output.
  package var byteCount: Int { byteCount(elements: elementCount) }

  /// The bytes of some elements, which fill whole bytes or blocks.
  package func byteCount(elements: Int) -> Int { storage.byteCount(elements: elements) }

  /// How its elements are stored; nil for what is no elements of inputs.
  package var encoding: TensorEncoding? {
    if case .elements(_, let encoding) = origin { encoding } else { nil }
  }

  /// The tensor whose scales or factors these are; nil for other tensors.
  package var scaledTensor: Int? {
    switch origin {
    case .scale(let weight), .blockScales(let weight, _): weight
    case .elements, .bytes: nil
    }
  }

  /// What a safetensors header says of it; nil when it is stored in blocks of GGUF.
  package var description: TensorDescription? {
    switch storage {
    case .elements(let dtype): TensorDescription(name: name, dtype: dtype, shape: shape)
    case .blocks(.i8): TensorDescription(name: name, dtype: .i8, shape: shape)
    case .blocks(.e2m1High):
      TensorDescription(
        name: name, dtype: .u8, shape: shape.dropLast() + shape.suffix(1).map { $0 / 2 })
    case .blocks: nil
    }
  }

  /// What files and people call the type that it is stored in.
  package var typeName: String { description?.dtype.rawValue ?? storage.name }

  /// The elements that some of its bytes hold; they are whole groups.
  package func elements(ofBytes range: Range<Int>) -> Range<Int> {
    guard case .blocks(let type) = storage else {
      let dtype = description?.dtype ?? .u8
      return dtype.elementCount(
        bytes: range.lowerBound)..<dtype.elementCount(bytes: range.upperBound)
    }
    return range.lowerBound / type.byteCount * type.elementCount..<range.upperBound / type.byteCount
      * type.elementCount
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
    return picking(order)
  }

  /// Some of these tensors in another order; those with scales or factors together with what they are of.
  package func picking(_ order: [Int]) -> [PlannedTensor] {
    var places = [Int](repeating: 0, count: count)
    for (place, index) in order.enumerated() { places[index] = place }
    return order.map { index in
      let tensor = self[index]
      let origin: PlannedTensor.Origin =
        switch tensor.origin {
        case .scale(let weight): .scale(ofTensor: places[weight])
        case .blockScales(let weight, let dtype):
          .blockScales(ofTensor: places[weight], dtype)
        case .elements, .bytes: tensor.origin
        }
      return PlannedTensor(name: tensor.name, shape: tensor.shape, origin: origin)
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
    description?.dtype.bitCount ?? 8
  }
}
