internal import Checkpoints
internal import SystemPackage
internal import Tensors
internal import Text

/// The steps of planning, each adding to what is known.
struct PlanBuilder {
  let request: RewritingRequest
  let input: OpenedCheckpoint
  let destination: RewritingPlan.Destination
  /// What the input is, when that is a transformer.
  let architecture: Architecture?
  /// What the input is, tensor by tensor; nil for tensors of no known model.
  let model: (any NamedModel)?
  /// The layout to write and what stands before its names; nil for tensors of no known model.
  let target: (layout: Layout, prefix: String)?
  /// The types of a GGUF file.
  let gguf: GGUFChoice?
  /// Which matrices get codes with factors beside them.
  let encoding: EncodingRules?
  /// Canonical names of the parameters that are changed, such as `norm_out.linear.bias`.
  let changedParameters: Set<String>
  /// Whether nothing but prefixes of names can change, so that nothing needs to be understood.
  let copiesBytes: Bool
  private(set) var tensors: [PlannedTensor] = []
  private(set) var leftOut: [TensorView] = []
  /// What becomes of layers that are stored as codes, where names and types stay.
  private(set) var codedLayers = CodedLayers()
  /// Tensors that only tell programs how to compute, and keep their places.
  private var carried: [TensorView] = []
  var notes: [String] = []

  init(
    _ request: RewritingRequest, _ input: OpenedCheckpoint,
    _ destination: RewritingPlan.Destination,
    changedParameters: Set<String>
  ) throws {
    self.request = request
    self.input = input
    self.destination = destination
    self.changedParameters = changedParameters
    notes = input.source.problems
    gguf =
      destination == .gguf ? try GGUFChoice(preset: request.form.gguf ?? "auto", input: input) : nil
    encoding = try request.form.encoding.map {
      try EncodingRules(parsing: $0, raised: request.form.raised ?? [])
    }
    guard encoding?.errorLimit == nil || request.form.raised != nil else {
      throw RewritingError.usage(
        "--encoding: error=… needs the numbers as they will be: convert what a merge has written")
    }
    let wanted = try Self.layoutName(request, input, gguf)
    copiesBytes = Self.copiesBytes(request, input, wanted, changedParameters)
    if !copiesBytes {
      try input.description.weights.requireNumbers(
        in: input.path, under: wanted == nil ? "" : input.description.prefix)
    }
    if let component = try input.component(request, rearranges: wanted != nil) {
      (architecture, model) = (nil, component)
    } else {
      let found =
        wanted == nil
        ? try input.architecture(request) : try input.requireArchitecture(request)
      (architecture, model) = (found, found)
    }
    if wanted == nil, let fault = input.description.incompleteness { notes.append(fault) }
    guard model != nil, let own = input.description.layout else {
      target = nil
      return
    }
    var layout = own
    var prefix = request.prefix ?? input.description.prefix
    if let wanted {
      let layouts = input.description.layouts
      guard let found = layouts.first(where: { $0.name == wanted }) else {
        let title = architecture?.family.title ?? input.description.title
        throw RewritingError.usage(
          "--layout: \(title) has no layout '\(wanted)', expected one of "
            + layouts.map(\.name).joined(separator: ", "))
      }
      layout = found
      prefix = request.prefix ?? found.prefix
    }
    target = (layout, prefix)
  }

  /// The layout that has to be written; nil to keep the input's.
  private static func layoutName(
    _ request: RewritingRequest, _ input: OpenedCheckpoint, _ gguf: GGUFChoice?
  ) throws -> String? {
    guard let gguf else { return request.layout }
    if let asked = request.layout, asked != gguf.layoutName {
      throw RewritingError.usage(
        "--layout: GGUF files of \(input.description.family?.title ?? "this family") have the layout "
          + "'\(gguf.layoutName)', not '\(asked)'")
    }
    return gguf.layoutName
  }

  /// Decides every tensor of the output.
  mutating func arrange() throws {
    let source = input.source
    if copiesBytes {
      tensors = source.tensors.map { view in
        PlannedTensor(
          name: renamed(view.name), shape: view.shape,
          origin: .elements([TensorPiece(view)], .copy))
      }
      tensors += markers
      return
    }
    let arrangement = try arrangement(of: StoredTensors(source, input.description.weights))
    try requireOneType(arrangement.tensors)
    try leaveOut(arrangement.leftOut)
    var choice = StorageChoice(
      request, prefixes: (input.description.prefix, target?.prefix ?? ""),
      changed: TensorIndex(changedNames), in: source)
    if let gguf {
      try choice.plan(arrangement.tensors, gguf: gguf)
    } else if let encoding {
      let family = architecture?.family
      if !request.toleratesIdleRules { try encoding.check(arrangement.tensors, in: family) }
      choice.plan(arrangement.tensors, encoding, of: family, in: input.source)
    } else {
      choice.plan(arrangement.tensors)
    }
    tensors = choice.tensors
    codedLayers = choice.coded
    tensors += markers
    tensors += carried.map { view in
      PlannedTensor(
        name: renamed(view.name), shape: view.shape, origin: .elements([TensorPiece(view)], .copy))
    }
    notes += choice.notes
    try addUnknown()
    warnOfEightBits()
  }

  func renamed(_ name: String) -> String {
    let own = input.description.prefix
    guard let target, !target.prefix.sameBytes(as: own), name.utf8HasPrefix(own)
    else { return name }
    return target.prefix + String(decoding: name.utf8.dropFirst(own.utf8.count), as: UTF8.self)
  }

  private func arrangement(of stored: StoredTensors) throws -> Arrangement {
    guard let model, let target, let own = input.description.layout else {
      return Arrangement(
        keeping: stored, in: input.source, role: { _ in (.other, []) }, rename: { $0 })
    }
    let prefix = input.description.prefix
    if request.layout != nil || gguf != nil {
      return try Arrangement(
        stored, in: input.source, of: model, from: (own, prefix), to: target)
    }
    let known = model.entries(in: own).filter(\.isLinearWeight).flatMap { tensor in
      tensor.names.map {
        (name: prefix + $0, role: tensor.role, modules: tensor.parts.map(\.module))
      }
    }
    let index = TensorIndex(known.lazy.map(\.name))
    return Arrangement(
      keeping: stored, in: input.source,
      role: { name in index[name].map { (known[$0].role, known[$0].modules) } ?? (.other, []) },
      rename: renamed)
  }

  /// Names in the output of the tensors that hold rows of a changed parameter.
  private var changedNames: [String] {
    guard !changedParameters.isEmpty, let model, let target else { return [] }
    return model.entries(in: target.layout).filter { $0.holdsAny(of: changedParameters) }
      .flatMap { $0.names.map { target.prefix + $0 } }
  }

  // MARK: What has no place

  private mutating func leaveOut(
    _ tensors: [StoredTensors.Entry]
  ) throws {
    let markers = (architecture?.family.flags ?? []).compactMap(\.marker)
      .map { input.description.prefix + $0 }
    let unknown = tensors.filter { tensor in
      !markers.contains { $0.sameBytes(as: tensor.view.name) }
    }
    if request.unknown == .error, !unknown.isEmpty {
      throw RewritingError.unknownTensors(file: input.path, names: unknown.map(\.view.name))
    }
    let preferences = unknown.filter { keepsPreferences && $0.isPreference }
    let others = unknown.filter { !(keepsPreferences && $0.isPreference) }
    carried = preferences.map(\.view)
    // Codes go nowhere without what belongs to them.
    let own = Set(others.compactMap { side($0)?.marker?.name }).subtracting(
      [input.description.prefix + StoredSide.markerName])
    leftOut =
      others.flatMap { [source($0)] + (side($0)?.helpers ?? []) }
      + own.sorted().compactMap(input.source.find)
  }

  /// A tensor as the file has it.
  private func source(_ tensor: StoredTensors.Entry) -> TensorView {
    input.source.find(tensor.storedName) ?? tensor.view
  }

  /// What goes with the codes of a tensor.
  private func side(_ tensor: StoredTensors.Entry) -> StoredSide? {
    tensor.layer.map { StoredSide($0, in: input.source) }
  }

  /// Whether the output is for programs that read such tensors, and calls modules as the input does.
  private var keepsPreferences: Bool {
    guard let target, gguf == nil, target.layout.name != "diffusers" else { return false }
    return target.layout.namesOf == input.description.layout?.namesOf
  }

  /// Carries along what has no place, when that is wanted.
  private mutating func addUnknown() throws {
    guard request.unknown == .keep, !leftOut.isEmpty else { return }
    let taken = TensorIndex(tensors.map(\.name))
    if let clash = leftOut.first(where: { taken[$0.name] != nil }) {
      throw RewritingError.unsupported(
        file: input.path,
        detail: "tensor '\(clash.name)' can't be carried along: the output has one of that name")
    }
    tensors += leftOut.map {
      PlannedTensor(
        name: $0.name, shape: $0.shape, origin: .elements([TensorPiece($0)], .copy))
    }
    notes.append(
      "carried along without a place in the layout: "
        + leftOut.prefix(8).map { "'\($0.name)'" }.joined(separator: ", ")
        + (leftOut.count > 8 ? " and \(leftOut.count - 8) more" : ""))
    leftOut = []
  }

  private mutating func warnOfEightBits() {
    guard let dtype = request.form.dtype, dtype.isEightBitFloat, request.form.scaled == nil,
      architecture != nil
    else { return }
    notes.append(
      "eight bits without scales lose what small weights say, and biases and norms as well; "
        + "--scaled keeps both")
  }
}
