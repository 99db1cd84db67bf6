/// Adapters that do nothing: saved before their first step, or with every alpha 0.
extension Adapter {
  /// Whether no module of the transformer is changed.
  public var changesNothing: Bool {
    modules.allSatisfy(\.changesNothing) && changes.allSatisfy(\.changesNothing)
  }
}

extension ParameterChange {
  /// Whether nothing is added because the scale is 0 or a factor is zero everywhere.
  public var changesNothing: Bool {
    !dependsOnBase && (scale == 0 || values.tensors.contains(where: \.isZero))
  }
}

extension AdapterModule {
  /// Whether scale · up · down is zero because the scale is 0 or a factor is zero everywhere.
  public var changesNothing: Bool { scale == 0 || up.isZero || down.isZero }
}
