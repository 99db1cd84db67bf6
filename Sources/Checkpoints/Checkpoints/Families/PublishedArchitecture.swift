extension Architecture {
  /// A variant of a family at the size in which it is published, or with other counts of blocks.
  ///
  /// - Parameters:
  ///   - variant: which one.
  ///   - family: whose variant it is.
  ///   - blockCounts: counts of blocks by kind, for kinds that differ from the published model.
  public init(
    published variant: ModelFamily.Variant, of family: ModelFamily,
    blockCounts: [String: Int] = [:]
  ) {
    var dimensions = Dimensions(
      sizes: [:],
      blockCounts: Dictionary(
        uniqueKeysWithValues: family.blocks.map {
          ($0.name, blockCounts[$0.name] ?? $0.largestCount)
        }))
    for (name, value) in family.publishedSizes + variant.sizes { dimensions.sizes[name] = value }
    for flag in family.flags { dimensions.flags[flag.name] = false }
    for (name, value) in variant.flags + variant.otherFlags { dimensions.flags[name] = value }
    self.init(family: family, dimensions: dimensions)
  }
}
