internal import Checkpoints
internal import Elements
internal import JSON
internal import Tensors
internal import Text

/// What goes with the codes of a scaled weight besides their scale, and is kept where codes are.
///
/// Source: Comfy-Org/ComfyUI, `comfy/utils.py`, `convert_old_quants`; `comfy/ops.py`,
/// `mixed_precision_ops`.
struct StoredSide {
  /// Which of ComfyUI's forms it has; weights of musubi-tuner are like those of the first.
  let form: ScaledForm
  /// The factor of the layer's inputs.
  let inputScale: TensorView?
  /// The layer's note.
  let note: StorageNotes.Note?
  /// The tensor that marks the component, whose size says how programs are to multiply.
  let marker: TensorView?
  /// All tensors that belong to the codes.
  let helpers: [TensorView]

  /// The key of a note by which a layer's inputs aren't rounded to eight bits.
  static let fullPrecisionKey = "full_precision_matrix_mult"
  /// The elements of a marker that says the same of every layer.
  static let fullPrecisionCount = 2
  /// What marks a component of the first form.
  static let markerName = "scaled_fp8"

  init(_ layer: StoredLayer, in source: TensorSource) {
    func find(_ names: String...) -> TensorView? {
      names.lazy.compactMap { layer.helper($0).flatMap(source.find) }.first
    }
    form = layer.helper("scale_weight") == nil ? .generation2 : .generation1
    inputScale = find("input_scale", "scale_input")
    note = layer.note
    marker = form == .generation1 ? layer.marker.flatMap(source.find) : nil
    helpers = layer.helpers.compactMap(source.find)
  }

  /// Whether programs are asked to multiply in full precision; nil where nothing is said of it.
  var fullPrecision: Bool? {
    if let note { return note.object[Self.fullPrecisionKey]?.bool ?? false }
    return marker.map { $0.elementCount == Self.fullPrecisionCount }
  }

  /// What stands before the names of the component that is marked; nil where none is.
  var markerPrefix: String? { marker?.name.droppingSuffix(Self.markerName) }

  /// The inputs' factor, where it says anything: programs leave a 1 of the first form out.
  var inputFactor: Float? {
    guard let inputScale, inputScale.elementCount == 1, inputScale.dtype.isWidenable else {
      return nil
    }
    return inputScale.floats()[0]
  }
}

extension [StoredSide] {
  /// The note of a layer that is made of parts with these: what their notes agree on, and full
  /// precision where any of them asks for it. The text is that of the parts where it stays true.
  ///
  /// - Parameter format: what the codes are called.
  /// - Returns: the note's text, one line of JSON, and whether the parts' notes differ.
  func note(format: String) -> (text: [UInt8], differ: Bool) {
    let notes = map(\.note)
    if let first = notes.first ?? nil, let bytes = first.bytes,
      first.object["format"]?.string == format, notes.allSatisfy({ $0?.bytes == bytes })
    {
      return (bytes, false)
    }
    var object: JSONObject = ["format": .string(format)]
    for member in first?.note?.object.members ?? [] where member.key != "format" {
      guard notes.allSatisfy({ $0?.object[member.key] == member.value }) else { continue }
      object[member.key] = member.value
    }
    if contains(where: { $0.fullPrecision == true }) {
      object[StoredSide.fullPrecisionKey] = .bool(true)
    }
    let text = object.members.map {
      "\(JSONValue.string($0.key).text()): \($0.value.text())"
    }
    let others = notes.map { $0?.object.members.filter { $0.key != "format" } ?? [] }
    let differ = others.contains { $0 != others[0] }
    return ([UInt8]("{\(text.joined(separator: ", "))}".utf8), differ)
  }
}
