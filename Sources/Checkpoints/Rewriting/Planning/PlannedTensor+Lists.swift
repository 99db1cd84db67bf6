internal import Elements
internal import Tensors
internal import Text

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
