internal import Checkpoints
internal import GGUF
internal import JSON
internal import Safetensors
internal import SystemPackage
internal import Tensors

/// The steps of planning, each adding to what is known.
struct ConversionPlanning {
  let request: ConversionRequest
  let input: CheckpointInput
  let form: ConversionPlan.Form
  let architecture: Architecture?
  /// The layout to write and what stands before its names; nil for tensors of no known model.
  let target: (layout: Layout, prefix: String)?
  /// The types of a GGUF file.
  let gguf: GGUFChoice?
  /// Canonical paths of the modules whose weights are changed.
  let changedModules: Set<String>
  private(set) var tensors: [PlannedTensor] = []
  private(set) var leftOut: [TensorView] = []
  var notes: [String] = []

  init(
    _ request: ConversionRequest, _ input: CheckpointInput, _ form: ConversionPlan.Form,
    changedModules: Set<String>
  ) throws(ConversionError) {
    self.request = request
    self.input = input
    self.form = form
    self.changedModules = changedModules
    notes = input.source.problems
    gguf =
      form == .gguf ? try GGUFChoice(preset: request.gguf ?? "auto", input: input) : nil
    let wanted = try Self.layoutName(request, input, gguf)
    if let wanted {
      architecture = try input.requireArchitecture(for: wanted, request)
    } else {
      architecture = try input.architecture(request)
    }
    guard let architecture, let own = input.description.layout else {
      target = nil
      return
    }
    var layout = own
    var prefix = request.prefix ?? input.description.prefix
    if let wanted {
      guard let found = architecture.family.layouts.first(where: { $0.name == wanted }) else {
        throw .usage(
          "--layout: \(architecture.family.title) has no layout '\(wanted)', expected one of "
            + architecture.family.layouts.map(\.name).joined(separator: ", "))
      }
      layout = found
      prefix = request.prefix ?? found.prefix
    }
    target = (layout, prefix)
  }

  /// The layout that has to be written; nil to keep the input's.
  private static func layoutName(
    _ request: ConversionRequest, _ input: CheckpointInput, _ gguf: GGUFChoice?
  ) throws(ConversionError) -> String? {
    guard let gguf else { return request.layout }
    if let asked = request.layout, asked != gguf.layoutName {
      throw .usage(
        "--layout: GGUF files of \(input.description.family?.title ?? "this family") have the layout "
          + "'\(gguf.layoutName)', not '\(asked)'")
    }
    return gguf.layoutName
  }

  /// Decides every tensor of the output.
  mutating func arrange() throws(ConversionError) {
    let source = input.source
    if request.storesAsIs, changedModules.isEmpty, gguf == nil,
      target.map({ isSameLayout($0) }) ?? true
    {
      // Nothing but names of prefixes can change, so nothing needs to be understood.
      tensors = source.tensors.map { view in
        PlannedTensor(
          name: renamed(view.name), shape: view.shape,
          origin: .elements([TensorPiece(view)], .copy))
      }
      tensors += markers
      return
    }
    let stored = try StoredWeights(source, prefix: input.description.prefix)
    let arrangement = arrangement(of: stored)
    try leaveOut(arrangement.leftOut)
    var choice = StorageChoice(
      request, prefix: target?.prefix ?? "", changed: TensorIndex(changedNames))
    if let gguf {
      try choice.plan(arrangement.tensors, gguf: gguf)
    } else {
      choice.plan(arrangement.tensors, generation: stored.generation)
    }
    tensors = choice.tensors
    tensors += markers
    notes += choice.notes
    try addUnknown()
    warnOfEightBits()
  }

  private func isSameLayout(_ target: (layout: Layout, prefix: String)) -> Bool {
    request.layout == nil
      || (target.layout.namesOf == input.description.layout?.namesOf
        && input.description.prefix == target.prefix && request.unknown == .keep)
  }

  private func renamed(_ name: String) -> String {
    let own = input.description.prefix
    guard let target, !target.prefix.utf8.elementsEqual(own.utf8), name.utf8.starts(with: own.utf8)
    else { return name }
    return target.prefix + String(decoding: name.utf8.dropFirst(own.utf8.count), as: UTF8.self)
  }

  private func arrangement(of stored: StoredWeights) -> Arrangement {
    guard let architecture, let target, let own = input.description.layout else {
      return Arrangement(keeping: stored, blockWeights: TensorIndex([String]())) { $0 }
    }
    let prefix = input.description.prefix
    if request.layout != nil || gguf != nil {
      return Arrangement(stored, of: architecture, from: (own, prefix), to: target)
    }
    let blockWeights = architecture.layoutTensors(in: own).filter {
      $0.isLinearWeight && $0.template.path.isInBlock
    }
    return Arrangement(
      keeping: stored,
      blockWeights: TensorIndex(blockWeights.flatMap { $0.names.map { prefix + $0 } }),
      rename: renamed)
  }

  /// Names in the output of the tensors that hold rows of a changed module.
  private var changedNames: [String] {
    guard !changedModules.isEmpty, let architecture, let target else { return [] }
    return architecture.layoutTensors(in: target.layout).filter { tensor in
      tensor.isLinearWeight && tensor.parts.contains { changedModules.contains($0.module) }
    }.flatMap { $0.names.map { target.prefix + $0 } }
  }

  // MARK: What has no place

  private mutating func leaveOut(_ tensors: [TensorView]) throws(ConversionError) {
    let markers = (architecture?.family.flags ?? []).compactMap(\.marker)
      .map { input.description.prefix + $0 }
    let unknown = tensors.filter { tensor in
      !markers.contains { $0.utf8.elementsEqual(tensor.name.utf8) }
    }
    if request.unknown == .error, !unknown.isEmpty {
      throw .unknownTensors(file: input.path, names: unknown.map(\.name))
    }
    leftOut = unknown
  }

  /// Carries along what has no place, when that is wanted.
  private mutating func addUnknown() throws(ConversionError) {
    guard request.unknown == .keep, !leftOut.isEmpty else { return }
    let taken = TensorIndex(tensors.map(\.name))
    if let clash = leftOut.first(where: { taken[$0.name] != nil }) {
      throw .unsupported(
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
    guard let dtype = request.dtype, dtype.isEightBitFloat, request.scaled == nil,
      architecture != nil
    else { return }
    notes.append(
      "eight bits without scales lose what small weights say, and biases and norms as well; "
        + "--scaled keeps both")
  }

  // MARK: What goes with the tensors

  /// The input's texts without those that are no longer true.
  var metadata: [(key: String, value: String)] {
    let source = input.source
    var list =
      source.container == "gguf" ? GGUFChoice.metadata(from: source.metadata) : source.metadata
    if !tensors.isUnchanged {
      let stale = [
        "sshs_model_hash", "sshs_legacy_hash", "modelspec.hash_sha256", "_quantization_metadata",
      ]
      list.removeAll { member in stale.contains { $0.utf8.elementsEqual(member.key.utf8) } }
    }
    if target?.layout.name == "diffusers", request.layout != nil || form.isFolder,
      !list.contains(where: { $0.key == "format" })
    {
      list.insert(("format", "pt"), at: 0)
    }
    return list
  }

  /// config.json of a folder; for other components that of the input.
  func configuration() throws(ConversionError) -> JSONObject? {
    guard form.isFolder else { return nil }
    let known = input.configuration?.json.object
    guard let architecture else { return known }
    // The class that config.json names has diffusers' names.
    guard let target, target.layout.rules.isEmpty else { return nil }
    guard architecture.dimensions["head"] != nil else {
      throw .usage(
        "\(input.path): the width of a head can't be told from the tensors; give --head-dim")
    }
    return architecture.configuration(keeping: known)
  }
}

extension ConversionRequest {
  /// Whether every element stays stored as it is.
  fileprivate var storesAsIs: Bool { dtype == nil && scaled == nil }
}
