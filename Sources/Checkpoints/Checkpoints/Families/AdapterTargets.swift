internal import Tensors

/// Which modules an adapter attaches to.
extension Architecture {
  /// Every module that an adapter can attach to: those with a weight matrix that multiplies.
  public var linearModules: [Module] { modules.filter { $0.template.kind == .linear } }

  /// The modules that a list of targets selects, in the order of the model.
  ///
  /// - Parameter targets: suffixes of module paths that begin at a dot (`to_q`, `attn.to_q`,
  ///   `transformer_blocks.0.attn.to_q`), or `*` for every linear module inside blocks.
  /// - Returns: each module once.
  /// - Throws: ``CheckpointError/unknownTarget(target:family:)`` for one that selects nothing.
  public func modules(matching targets: [String]) throws -> [Module] {
    try modules(matching: targets, among: linearModules)
  }

  private func modules(matching targets: [String], among candidates: [Module]) throws -> [Module] {
    var selected = Array(repeating: false, count: candidates.count)
    for target in targets {
      var selectsAny = false
      for (index, module) in candidates.enumerated()
      where target == "*"
        ? module.template.path.isInBlock : module.path.hasTargetSuffix(target)
      {
        selected[index] = true
        selectsAny = true
      }
      guard selectsAny else {
        throw CheckpointError.unknownTarget(target: target, family: family.title)
      }
    }
    return zip(candidates, selected).filter(\.1).map(\.0)
  }

  /// The modules of a named set (`reference`, `attention`, `all`), or nil when the family has none
  /// of that name.
  public func modules(ofTargetPreset name: String) throws -> [Module]? {
    guard let preset = family.targetPresets.first(where: { $0.name == name }) else { return nil }
    return try modules(matching: preset.suffixes)
  }

  /// The name of the preset that selects exactly these modules, if one does.
  public func targetPreset(selecting paths: [String]) -> String? {
    let (wanted, candidates) = (TensorIndex(paths), linearModules)
    for preset in family.targetPresets {
      guard let modules = try? modules(matching: preset.suffixes, among: candidates),
        modules.count == paths.count, modules.allSatisfy({ wanted[$0.path] != nil })
      else { continue }
      return preset.name
    }
    return nil
  }
}

extension String {
  /// Whether a path is `suffix`, or ends with it after a dot.
  ///
  /// Source: huggingface/peft, `tuners/tuners_utils.py`, `check_target_module_exists`.
  package func hasTargetSuffix(_ suffix: String) -> Bool {
    let path = utf8
    let ending = suffix.utf8
    guard path.count >= ending.count, !ending.isEmpty,
      path.suffix(ending.count).elementsEqual(ending)
    else { return false }
    return path.count == ending.count || path.dropLast(ending.count).last == UInt8(ascii: ".")
  }
}
