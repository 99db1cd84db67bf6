internal import Elements
internal import Safetensors
internal import SystemPackage
internal import Tensors

extension AdapterOutput {
  /// Makes sure that the file says what was meant: the same bytes, every module, no problem.
  func verify(
    _ path: FilePath, against adapter: Adapter, _ options: AdapterWritingOptions
  ) throws {
    let file = try SafetensorsFile(opening: path)
    guard file.tensors.map(\.description) == tensors.map(\.description) else {
      throw AdapterError.readBackDiffers(file: path, detail: "names or shapes")
    }
    for (written, found) in zip(tensors, file.tensors) where found.copiedBytes != written.bytes() {
      throw AdapterError.readBackDiffers(file: path, detail: "tensor '\(found.name)'")
    }
    let reading = AdapterFile(TensorSource(file))
    if options.form == .published {
      return try verifyModules(of: reading, against: adapter, options, found: nil)
    }
    var strict = AdapterReadingOptions()
    strict.includesTextEncoders = true
    if adapter.hasChanges { strict.otherMethods = .asLoRAOrAsTheyAre }
    let found: Adapter
    do { found = try reading.adapter(strict) } catch {
      throw AdapterError.readBackDiffers(file: path, detail: "\(error)")
    }
    try verifyModules(
      of: reading, against: adapter.includingPairsOfLengths, options,
      found: found.includingPairsOfLengths)
    // A bias that is there although it is zero says nothing.
    let changed = [adapter, found].map {
      Set(
        $0.parts.flatMap { component, part in
          part.changes.filter { !$0.changesNothing }
            .map { Adapter.name(of: $0.parameterName, in: component) }
        })
    }
    if let missing = changed[0].symmetricDifference(changed[1]).min() {
      throw AdapterError.readBackDiffers(file: path, detail: "what is done to '\(missing)'")
    }
  }

  /// Every module is there, none twice and none besides; but those that change nothing may be lost
  /// or found among others that they were fused with.
  private func verifyModules(
    of reading: AdapterFile, against adapter: Adapter, _ options: AdapterWritingOptions,
    found: Adapter?
  ) throws {
    let entries = reading.entries + reading.textEncoderEntries
    let named = entries.flatMap { entry in entry.paths.map { "\(entry.component)/\($0)" } }
    guard Set(named).count == named.count else {
      throw AdapterError.readBackDiffers(file: reading.path, detail: "modules that are there twice")
    }
    var remaining = found?.modulesByName ?? [:]
    for (key, module) in adapter.modulesByName {
      let same = remaining.removeValue(forKey: key)
      let isThere = found == nil ? named.contains(key) : same != nil
      guard isThere || module.isNothing(written: options) else {
        throw AdapterError.readBackDiffers(
          file: reading.path, detail: "'\(module.path)' is missing")
      }
      let expected = options.alpha == .bake ? 1 : module.scale
      // Alphas are float32, and parts of fused modules whose scales differ are baked.
      guard let scale = same?.scale, scale != 1 else { continue }
      guard abs(scale - expected) <= 1e-6 * abs(expected) else {
        throw AdapterError.readBackDiffers(
          file: reading.path, detail: "'\(module.path)' has scale \(scale), not \(expected)")
      }
    }
    guard remaining.values.allSatisfy(\.up.isZero) else {
      throw AdapterError.readBackDiffers(file: reading.path, detail: "more modules than were meant")
    }
  }
}

extension Adapter {
  /// Every module of every component.
  fileprivate var modulesByName: [String: AdapterModule] {
    var byName: [String: AdapterModule] = [:]
    for (component, modules) in components {
      for module in modules { byName["\(component)/\(module.path)"] = module }
    }
    return byName
  }
}

extension AdapterModule {
  /// Whether B is zero as it is written.
  fileprivate func isNothing(written options: AdapterWritingOptions) -> Bool {
    if scale == 0 { return true }
    let dtype = options.dtype ?? .f32
    let bytes = up.narrowed(to: dtype, times: options.alpha == .bake ? Float(scale) : 1)
    return TensorView(name: "", dtype: dtype, shape: up.shape, copyingBytes: bytes).isZero
  }
}
