internal import Checkpoints
internal import Elements
internal import GGUF
internal import Tensors
internal import Text

/// How the elements of an output's tensors are stored, as a request wants it.
struct StorageChoice {
  let dtype: DType?
  let scaled: ScaledForm?
  let rounding: Rounding
  /// What stands before the names of the input's subject, and of the output.
  let prefixes: (input: String, output: String)
  /// Tensors whose values are changed before they are stored.
  let changed: TensorIndex
  /// The tensors that were planned, in order.
  var tensors: [PlannedTensor] = []
  /// What a person should know of the choices, one sentence each.
  var notes: [String] = []
  /// Weights whose parts or rows had different scales, so that they are quantised anew.
  private var requantised = NameList()
  /// Weights whose parts had different notes.
  var joinedNotes = NameList()
  /// Tensors of types that are not read.
  var unread = NameList()
  /// Where the input's codes are, when names and types stay; nil where codes become what the output's are.
  private let keptCodes: TensorSource?
  /// What becomes of layers that are stored as codes, when names and types stay.
  var coded = CodedLayers()
  /// What marks components of the first form.
  private var markers = ScaleMarkers()

  init(
    _ request: RewritingRequest, prefixes: (input: String, output: String), changed: TensorIndex,
    in source: TensorSource
  ) {
    let isKept = request.layout == nil && request.prefix == nil && !request.form.changesElements
    keptCodes = isKept ? source : nil
    dtype = request.form.dtype
    scaled = request.form.scaled
    rounding = request.form.rounding
    self.prefixes = prefixes
    self.changed = changed
  }

  /// Plans every tensor of an arrangement.
  mutating func plan(_ arrangement: [Arrangement.Entry]) {
    // One type for all: a component's marker tells it.
    let known = arrangement.lazy.compactMap { $0.isLinearMatrix ? $0.weight.dtype : nil }
    let codes = dtype ?? known.first(where: \.isEightBitFloat) ?? .f8E4M3
    for tensor in arrangement { plan(tensor, codes: codes) }
    noteUnscaled(arrangement)
    tensors += markers.tensors
    notes += markers.notes
    noteChoices()
  }

  /// Says which codes are new, which notes were joined and which tensors stay.
  mutating func noteChoices() {
    if !requantised.isEmpty {
      notes.append(
        "given eight-bit codes anew, because one weight can't keep several scales: \(requantised)")
    }
    if !joinedNotes.isEmpty {
      notes.append(
        "put together from parts whose notes differ; what they agree on is kept, and full precision "
          + "where one asks for it: \(joinedNotes)")
    }
    if !unread.isEmpty {
      notes.append("of types that are not read, and left as they are: \(unread)")
    }
  }

  /// Says which layers of a marked component have no codes.
  ///
  /// Source: Comfy-Org/ComfyUI at a125cd8, `comfy/ops.py`, `scaled_fp8_ops` (every layer's weight is
  /// cast to the marker's type).
  private mutating func noteUnscaled(_ arrangement: [Arrangement.Entry]) {
    guard markers.mark(prefixes.output) else { return }
    let coded = TensorIndex(
      tensors.compactMap { tensor in
        guard case .elements(let dtype) = tensor.storage else { return nil }
        return dtype.isEightBitFloat ? tensor.name : nil
      })
    var unscaled = NameList()
    for tensor in arrangement where tensor.isLinearMatrix && coded[tensor.name] == nil {
      unscaled.add(tensor.name)
    }
    guard !unscaled.isEmpty else { return }
    notes.append(
      "layers without a scale, which programs for the first form round to eight bits: \(unscaled); "
        + "--scaled writes the newest form, whose programs don't, and --scaled-form 1 scales them")
  }

  private mutating func plan(_ tensor: Arrangement.Entry, codes: DType) {
    guard tensor.weight.isFloating else {
      if scaled != nil || dtype != nil,
        tensor.weight.pieces.contains(where: { $0.tensor.dtype.isUnread })
      {
        unread.add(tensor.name)
      }
      return add(tensor, .copy)
    }
    if let form = scaled,
      tensor.isScaled(in: form)
        || dtype == nil && tensor.weight.hasScaledFloats && tensor.isLinearMatrix
    {
      let kept = dtype == nil ? tensor.weight.dtype.flatMap { $0.isEightBitFloat ? $0 : nil } : nil
      planScaled(tensor, as: kept ?? codes, form: form)
    } else if scaled != nil {
      planPlain(tensor)
    } else if let dtype {
      let isSame = tensor.weight.dtype == dtype && !tensor.weight.isScaled
      add(tensor, isSame ? .copy : .cast(dtype, rounding))
    } else if let keptCodes, !tensor.layers.isEmpty {
      planCodes(tensor, codes, in: keptCodes)
    } else {
      planAsStored(tensor, codes)
    }
  }

  /// Scaled eight-bit floats stay such, plain numbers keep their type, and other codes become the numbers that they
  /// stand for.
  mutating func planAsStored(_ tensor: Arrangement.Entry, _ codes: DType) {
    if tensor.weight.hasScaledFloats {
      return planScaled(
        tensor, as: tensor.weight.dtype ?? codes, form: tensor.sides.first?.form ?? .generation2)
    }
    let isKept = tensor.weight.dtype != nil && !tensor.weight.isScaled
    add(tensor, isKept ? .copy : .cast(tensor.weight.widestDType, .nearest))
  }

  /// What stays in high precision, or gets it.
  mutating func planPlain(_ tensor: Arrangement.Entry) {
    let isKept = tensor.weight.widestDType.bitCount == 16 && !tensor.weight.isScaled
    let kept = isKept ? tensor.weight.widestDType : .bf16
    add(tensor, tensor.weight.dtype == kept ? .copy : .cast(kept, rounding))
  }

  /// Codes and what belongs to them: those that are there where one scale fits, else new ones.
  mutating func planScaled(
    _ tensor: Arrangement.Entry, as dtype: DType, form: ScaledForm
  ) {
    let weight = tensors.count
    // Codes without a scale are the weight: 1 is exact.
    let scale = tensor.weight.isScaled ? tensor.weight.commonScale : 1
    if tensor.weight.dtype == dtype, let scale, changed[tensor.name] == nil {
      add(tensor, .copy)
      addCompanions(of: tensor, dtype, form, scale: .bytes(scale.littleEndianBytes, .f32))
    } else {
      if tensor.weight.hasScaledFloats, tensor.weight.commonScale == nil {
        requantised.add(tensor.name)
      }
      add(tensor, .scaled(dtype, rounding))
      addCompanions(of: tensor, dtype, form, scale: .scale(ofTensor: weight))
    }
  }

  private mutating func addCompanions(
    of tensor: Arrangement.Entry, _ dtype: DType, _ form: ScaledForm,
    scale: PlannedTensor.Origin
  ) {
    guard let layer = tensor.name.droppingSuffix(".weight") else { return }
    let isNew = form == .generation2
    tensors.append(
      PlannedTensor(
        name: layer + (isNew ? ".weight_scale" : ".scale_weight"), shape: [], origin: scale))
    // All parts see one input. A factor of 1 in the first form stands for none in the newest.
    let isOld = tensor.sides.allSatisfy { $0.form == .generation1 }
    if let factor = tensor.sides.compactMap(\.inputFactor).max(), !(isNew && isOld && factor == 1) {
      tensors.append(
        PlannedTensor(
          name: layer + (isNew ? ".input_scale" : ".scale_input"), shape: [],
          origin: .bytes(factor.littleEndianBytes, .f32)))
    }
    guard isNew else { return markers.add(tensor.sides, dtype, prefixes) }
    let note = tensor.sides.note(format: dtype == .f8E4M3 ? "float8_e4m3fn" : "float8_e5m2")
    if note.differ { joinedNotes.add(tensor.name) }
    tensors.append(
      PlannedTensor(
        name: layer + ".comfy_quant", shape: [note.text.count], origin: .bytes(note.text, .u8)))
  }

  /// Plans every tensor as blocks of GGUF.
  mutating func plan(
    _ arrangement: [Arrangement.Entry], gguf: GGUFChoice
  ) throws {
    var fallbacks: [String] = []
    for tensor in arrangement {
      let encoding: TensorEncoding
      let type = try gguf.type(of: tensor)
      if gguf.isFallback(type, for: tensor) { fallbacks.append(tensor.name) }
      switch type.encoding {
      case _ where !tensor.weight.isFloating: encoding = .copy
      case .elements(let dtype): encoding = .cast(dtype, rounding)
      case .blocks(let type): encoding = .block(type)
      }
      if case .cast(let dtype, _) = encoding, tensor.weight.dtype == dtype, !tensor.weight.isScaled
      {
        add(tensor, .copy)
      } else {
        add(tensor, encoding)
      }
    }
    if let first = fallbacks.first {
      notes.append(
        "\(fallbacks.count) weights have rows that are no whole blocks and are stored as F16: "
          + "'\(first)'" + (fallbacks.count > 1 ? " and others" : ""))
    }
  }

  mutating func add(_ tensor: Arrangement.Entry, _ encoding: TensorEncoding) {
    let isCopied = encoding == .copy && changed[tensor.name] != nil && tensor.weight.isFloating
    let encoding = isCopied ? .cast(tensor.weight.widestDType, rounding) : encoding
    tensors.append(
      PlannedTensor(
        name: tensor.name, shape: tensor.weight.shape,
        origin: .elements(tensor.weight.pieces, encoding)))
  }
}

extension DType {
  /// Whether this is one of the two eight-bit floating types that are scaled.
  var isEightBitFloat: Bool { self == .f8E4M3 || self == .f8E5M2 }

  /// Whether elements are numbers of a type that is not read.
  var isUnread: Bool {
    switch self {
    case .f4, .f6E2M3, .f6E3M2, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ, .c64: true
    default: false
    }
  }
}

extension Float {
  fileprivate var littleEndianBytes: [UInt8] {
    unsafe withUnsafeBytes(of: bitPattern.littleEndian) { unsafe Array($0) }
  }
}
