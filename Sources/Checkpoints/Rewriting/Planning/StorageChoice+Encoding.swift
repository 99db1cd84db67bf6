internal import Checkpoints
internal import Elements
internal import Tensors
internal import Text

/// Codes with factors of rows or blocks beside them.
extension StorageChoice {
  /// Plans every tensor as rules want it.
  ///
  /// - Parameters:
  ///   - arrangement: the tensors.
  ///   - rules: which of them get codes.
  ///   - family: whose modules they are.
  ///   - source: where their parts are.
  mutating func plan(
    _ arrangement: [Arrangement.Entry], _ rules: EncodingRules, of family: ModelFamily?,
    in source: TensorSource
  ) {
    var unfit = NameList()
    for tensor in arrangement {
      guard tensor.weight.isFloating else {
        if tensor.weight.pieces.contains(where: { $0.tensor.dtype.isUnread }) {
          unread.add(tensor.name)
        }
        add(tensor, .copy)
        continue
      }
      switch rules.form(of: tensor, in: family) {
      case .coded(let form):
        if form.fits(tensor.weight.shape) {
          planCoded(tensor, form, sides: tensor.sides, in: source)
        } else {
          unfit.add(tensor.name)
          planPlain(tensor)
        }
      case .scaled:
        let dtype = tensor.weight.dtype.flatMap { $0.isEightBitFloat ? $0 : nil } ?? .f8E4M3
        planScaled(tensor, as: dtype, form: .generation2)
      case .plain: planPlain(tensor)
      }
    }
    if !unfit.isEmpty {
      notes.append(
        "of shapes that are no whole blocks in the programs that read the codes, and left in 16 bits: "
          + "\(unfit)")
    }
    noteChoices()
  }

  /// Codes, their factors and their note, which says what goes with the parts' codes too: those that are there
  /// where the form is the same.
  mutating func planCoded(
    _ tensor: Arrangement.Entry, _ form: WrittenForm, sides: [StoredSide], in source: TensorSource
  ) {
    let layer = tensor.layerName
    let shape = tensor.weight.shape
    let weight = tensors.count
    let stored = self.stored(tensor, as: form, in: source)
    if let stored {
      tensors.append(
        PlannedTensor(
          name: tensor.name, shape: stored.codes.shape,
          origin: .elements([TensorPiece(stored.codes)], .copy)))
    } else {
      tensors.append(
        PlannedTensor(
          name: tensor.name, shape: shape,
          origin: .elements(tensor.weight.pieces, .coded(form.quantizer))))
    }
    for (position, factor) in form.factors.enumerated() {
      let origin: PlannedTensor.Origin =
        if let stored {
          .elements([TensorPiece(stored.factors[position])], .copy)
        } else if factor.rule.tile == nil {
          .scale(ofTensor: weight)
        } else {
          .blockScales(ofTensor: weight, factor.dtype)
        }
      tensors.append(
        PlannedTensor(
          name: "\(layer).\(factor.rule.name)", shape: form.shape(of: factor.rule, weight: shape),
          origin: origin))
    }
    var note = sides.note(format: form.format)
    if note.differ { joinedNotes.add(tensor.name) }
    if stored != nil, let own = tensor.layers[0].note?.bytes { note.text = own }
    tensors.append(
      PlannedTensor(
        name: "\(layer).\(WrittenForm.noteName)", shape: [note.text.count],
        origin: .bytes(note.text, .u8)))
  }

  /// The codes and factors of a tensor that is one weight of the input, whole, and stored in a form
  /// already; nil for others, and for those that are changed.
  private func stored(
    _ tensor: Arrangement.Entry, as form: WrittenForm, in source: TensorSource
  ) -> (codes: TensorView, factors: [TensorView])? {
    guard changed[tensor.name] == nil, let layer = tensor.layers.first,
      layer.form.isRead, layer.form.name == form.name, tensor.weight.isOneTensor,
      let codes = source.find(layer.weight), codes.dtype == form.dtype,
      codes.shape == form.codeShape(tensor.weight.shape)
    else { return nil }
    let factors = form.factors.compactMap { factor -> TensorView? in
      guard let view = layer.helper(factor.rule.name).flatMap(source.find),
        view.dtype == factor.dtype,
        view.shape == form.shape(of: factor.rule, weight: tensor.weight.shape)
      else { return nil }
      return view
    }
    return factors.count == form.factors.count ? (codes, factors) : nil
  }
}

extension StoredWeight {
  /// Whether its pieces are all elements of one tensor, one after the other.
  var isOneTensor: Bool {
    guard let first = pieces.first else { return false }
    var next = 0
    for piece in pieces {
      guard piece.elements.lowerBound == next, piece.tensor.name.sameBytes(as: first.tensor.name)
      else { return false }
      next = piece.elements.upperBound
    }
    return next == first.tensor.elementCount
  }
}
