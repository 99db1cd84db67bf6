internal import Checkpoints
internal import Elements
internal import JSON
internal import Tensors

/// Codes where names and types stay.
extension StorageChoice {
  /// Plans a layer that is stored as codes in the form that it has. A note of its own tells programs so, whatever
  /// the other layers are; where only a config.json does, which is for all layers alike, none but scaled
  /// eight-bit floats can stay codes beside a layer that doesn't.
  ///
  /// A layer that isn't changed keeps every byte. One that is gets codes anew where its form is written, with what
  /// else its note says and the factor of its inputs, and is BF16 where it isn't.
  ///
  /// **Source:** Comfy-Org/ComfyUI at a125cd8, `comfy/ops.py`, `mixed_precision_ops` (every layer by its own note).
  ///
  /// - Parameters:
  ///   - tensor: the layer's weight.
  ///   - codes: the type of scaled eight-bit floats that have none of their own.
  ///   - source: where its codes are.
  mutating func planCodes(_ tensor: Arrangement.Entry, _ codes: DType, in source: TensorSource) {
    let isChanged = changed[tensor.name] != nil
    if tensor.weight.hasScaledFloats, isChanged || tensor.weight.commonScale != nil {
      if isChanged { coded.write(as: "fp8") } else { coded.keep() }
      return planAsStored(tensor, codes)
    }
    let weight = tensors.count
    guard tensor.weight.isOneTensor, let layer = tensor.layers.first, let note = layer.note,
      let stored = source.find(layer.weight)
    else {
      planAsStored(tensor, codes)
      return coded.write(as: tensor.weight.hasScaledFloats ? "fp8" : tensors[weight].typeName)
    }
    let side = StoredSide(layer, in: source)
    if !isChanged {
      coded.keep()
      ([stored] + side.helpers).forEach { copy($0) }
      if note.bytes == nil { addNote([side], of: tensor, note) }
      return
    }
    guard let form = WrittenForm.all.first(where: { $0.name == layer.form.name }),
      form.fits(tensor.weight.shape)
    else {
      planPlain(tensor)
      return coded.write(as: tensors[weight].typeName)
    }
    coded.write(as: form.name)
    planCoded(tensor, form, sides: [side], in: source)
    if let scale = side.inputScale { copy(scale) }
  }

  /// A tensor of the input, byte for byte.
  private mutating func copy(_ view: TensorView) {
    tensors.append(
      PlannedTensor(
        name: view.name, shape: view.shape, origin: .elements([TensorPiece(view)], .copy)))
  }

  /// What the header says of a layer as a tensor beside its codes: the output's header says nothing of layers.
  private mutating func addNote(
    _ sides: [StoredSide], of tensor: Arrangement.Entry, _ note: StorageNotes.Note
  ) {
    let text = sides.note(format: note.object["format"]?.string ?? "").text
    tensors.append(
      PlannedTensor(
        name: "\(tensor.layerName).\(WrittenForm.noteName)", shape: [text.count],
        origin: .bytes(text, .u8)))
  }
}
