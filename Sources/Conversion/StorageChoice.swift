internal import Checkpoints
internal import GGUF
internal import Safetensors
internal import Tensors

/// How the elements of an output's tensors are stored, as a request wants it.
struct StorageChoice {
  let dtype: DType?
  let scaled: ConversionRequest.ScaledForm?
  let rounding: Rounding
  /// What stands before the names of the output.
  let prefix: String
  /// Tensors whose values are changed before they are stored.
  let changed: TensorIndex
  /// The tensors that were planned, in order.
  private(set) var tensors: [PlannedTensor] = []
  /// What a person should know of the choices, one sentence each.
  private(set) var notes: [String] = []
  /// Weights whose parts or rows had different scales, so that they are quantised anew.
  private var requantised: [String] = []

  init(_ request: ConversionRequest, prefix: String, changed: TensorIndex) {
    dtype = request.dtype
    scaled = request.scaled
    rounding = request.rounding
    self.prefix = prefix
    self.changed = changed
  }

  /// Plans every tensor of an arrangement.
  mutating func plan(_ arrangement: [LogicalTensor], generation: ConversionRequest.ScaledForm?) {
    for tensor in arrangement { plan(tensor, generation: generation) }
    let form = scaled ?? (dtype == nil ? generation : nil)
    let codes = tensors.lazy.compactMap { tensor -> DType? in
      guard case .elements(let dtype) = tensor.storage, dtype.isEightBitFloat else { return nil }
      return dtype
    }.first
    if form == .generation1, let codes {
      // Two elements: programs multiply in full precision, as codes without input scales need it.
      tensors.append(
        PlannedTensor(
          name: prefix + "scaled_fp8", shape: [2], origin: .bytes([0, 0], codes)))
    }
    if !requantised.isEmpty {
      notes.append(
        "given eight-bit codes anew, because one weight can't keep several scales: "
          + "'\(requantised[0])'"
          + (requantised.count > 1 ? " and \(requantised.count - 1) more" : ""))
    }
  }

  private mutating func plan(
    _ tensor: LogicalTensor, generation: ConversionRequest.ScaledForm?
  ) {
    guard tensor.isFloating else { return add(tensor, .copy) }
    if let form = scaled, tensor.isBlockWeight, tensor.shape.count == 2 {
      planScaled(
        tensor,
        as: dtype ?? tensor.dtype.flatMap { $0.isEightBitFloat ? $0 : nil }
          ?? .f8E4M3, form: form)
    } else if scaled != nil {
      // Everything but the matrices of blocks stays in high precision.
      let kept = tensor.widestDType.bitCount <= 16 && !tensor.isScaled ? tensor.widestDType : .bf16
      add(tensor, tensor.dtype == kept ? .copy : .cast(kept, rounding))
    } else if let dtype {
      let isSame = tensor.dtype == dtype && !tensor.isScaled
      add(tensor, isSame ? .copy : .cast(dtype, rounding))
    } else if tensor.isScaled {
      planScaled(tensor, as: tensor.dtype ?? .f8E4M3, form: generation ?? .generation2)
    } else {
      add(tensor, tensor.dtype == nil ? .cast(tensor.widestDType, .nearest) : .copy)
    }
  }

  /// Codes and what belongs to them: those that are there where one scale fits, else new ones.
  private mutating func planScaled(
    _ tensor: LogicalTensor, as dtype: DType, form: ConversionRequest.ScaledForm
  ) {
    let weight = tensors.count
    if tensor.dtype == dtype, let scale = tensor.commonScale, changed[tensor.name] == nil {
      add(tensor, .copy)
      addCompanions(of: tensor, dtype, form, scale: .bytes(scale.littleEndianBytes, .f32))
    } else {
      if tensor.isScaled, tensor.commonScale == nil { requantised.append(tensor.name) }
      add(tensor, .scaled(dtype, rounding))
      addCompanions(of: tensor, dtype, form, scale: .scale(ofTensor: weight))
    }
  }

  private mutating func addCompanions(
    of tensor: LogicalTensor, _ dtype: DType, _ form: ConversionRequest.ScaledForm,
    scale: PlannedTensor.Origin
  ) {
    guard let layer = tensor.name.droppingSuffix(".weight") else { return }
    let isNew = form == .generation2
    tensors.append(
      PlannedTensor(
        name: layer + (isNew ? ".weight_scale" : ".scale_weight"), shape: [], origin: scale))
    // An input's scale of 1 says nothing; parts with different ones have none in common.
    if let inputScale = tensor.commonInputScale, !isNew || inputScale != 1 {
      tensors.append(
        PlannedTensor(
          name: layer + (isNew ? ".input_scale" : ".scale_input"), shape: [],
          origin: .bytes(inputScale.littleEndianBytes, .f32)))
    }
    guard isNew else { return }
    // As Python's json writes it, which programs may compare.
    let format = dtype == .f8E4M3 ? "float8_e4m3fn" : "float8_e5m2"
    let bytes = Array("{\"format\": \"\(format)\"}".utf8)
    tensors.append(
      PlannedTensor(
        name: layer + ".comfy_quant", shape: [bytes.count], origin: .bytes(bytes, .u8)))
  }

  /// Plans every tensor as blocks of GGUF.
  mutating func plan(
    _ arrangement: [LogicalTensor], gguf: GGUFChoice
  ) throws(ConversionError) {
    var fallbacks: [String] = []
    for tensor in arrangement {
      let encoding: TensorEncoding
      let type = try gguf.type(of: tensor)
      if gguf.isFallback(type, for: tensor) { fallbacks.append(tensor.name) }
      switch type {
      case _ where !tensor.isFloating: encoding = .copy
      case .f32: encoding = .cast(.f32, rounding)
      case .f16: encoding = .cast(.f16, rounding)
      case .bf16: encoding = .cast(.bf16, rounding)
      case let type: encoding = .block(type)
      }
      if case .cast(let dtype, _) = encoding, tensor.dtype == dtype, !tensor.isScaled {
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

  private mutating func add(_ tensor: LogicalTensor, _ encoding: TensorEncoding) {
    let isCopied = encoding == .copy && changed[tensor.name] != nil && tensor.isFloating
    let encoding = isCopied ? .cast(tensor.widestDType, rounding) : encoding
    tensors.append(
      PlannedTensor(
        name: tensor.name, shape: tensor.shape, origin: .elements(tensor.pieces, encoding)))
  }
}

extension LogicalTensor {
  /// The one factor of the inputs of all parts; nil when a part has none or another.
  fileprivate var commonInputScale: Float? {
    let factors = Set(inputScales.filter { $0.elementCount == 1 }.map { $0.floats()[0] })
    return factors.count == 1 ? factors.first : nil
  }
}

extension DType {
  /// Whether this is one of the two eight-bit floating types that are scaled.
  var isEightBitFloat: Bool { self == .f8E4M3 || self == .f8E5M2 }
}

extension Float {
  fileprivate var littleEndianBytes: [UInt8] {
    unsafe withUnsafeBytes(of: bitPattern.littleEndian) { unsafe Array($0) }
  }
}
