/// Adapters that do nothing: saved before their first step, or with every alpha 0.
extension Adapter {
  /// Whether no module is changed; of text encoders those that were read.
  public var changesNothing: Bool {
    parts.allSatisfy { _, part in
      part.modules.allSatisfy(\.changesNothing) && part.changes.allSatisfy(\.changesNothing)
    }
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
