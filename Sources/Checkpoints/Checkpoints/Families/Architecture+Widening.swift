extension Architecture {
  /// The model in which a module reads more features than here and all else is the same, where that is a
  /// variant of the family: FLUX.1's control models read an encoded picture beside the noise.
  ///
  /// - Parameters:
  ///   - path: the module's canonical path.
  ///   - columns: how many features it reads.
  /// - Returns: nil where no variant is like that.
  package func widened(_ path: String, to columns: Int) -> Architecture? {
    guard let module = module(at: path), let own = module.inFeatures, own < columns else {
      return nil
    }
    return reading(columns, at: module)
  }

  /// Whether a module of this model reads features that it doesn't in another variant of the family, which is
  /// the same but for that: what is made for that one means zeros for them.
  ///
  /// - Parameters:
  ///   - path: the module's canonical path.
  ///   - columns: how many features it reads in the other.
  /// - Returns: false, too, where it reads no more here.
  package func isWidened(_ path: String, from columns: Int) -> Bool {
    guard let module = module(at: path), let own = module.inFeatures, own > columns else {
      return false
    }
    return reading(columns, at: module) != nil
  }

  /// The variant in which one module reads so many features.
  private func reading(_ columns: Int, at module: Module) -> Architecture? {
    guard module.template.kind == .linear, let name = module.template.inFeatures?.text,
      dimensions.sizes[name] != nil
    else { return nil }
    var dimensions = dimensions
    dimensions.sizes[name] = columns
    let other = Architecture(family: family, dimensions: dimensions)
    let changed = zip(modules, other.modules).filter {
      $0.inFeatures != $1.inFeatures || $0.outFeatures != $1.outFeatures
    }
    return changed.map(\.0.path) == [module.path] && other.variant != nil ? other : nil
  }
}
