extension Architecture {
  /// The model in which a module reads more features than here and all else is the same, where that is a
  /// variant of the family: FLUX.1's control models read an encoded picture beside the noise.
  ///
  /// - Parameters:
  ///   - path: the module's canonical path.
  ///   - columns: how many features it reads.
  /// - Returns: nil where no variant is like that.
  package func widened(_ path: String, to columns: Int) -> Architecture? {
    guard let module = module(at: path), module.template.kind == .linear,
      let name = module.template.inFeatures?.text, let own = dimensions.sizes[name], own < columns
    else { return nil }
    var dimensions = dimensions
    dimensions.sizes[name] = columns
    let wide = Architecture(family: family, dimensions: dimensions)
    let changed = zip(modules, wide.modules).filter {
      $0.inFeatures != $1.inFeatures || $0.outFeatures != $1.outFeatures
    }
    return changed.map(\.0.path) == [path] && wide.variant != nil ? wide : nil
  }
}
