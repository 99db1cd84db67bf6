/// Computes on this machine's processors, in float32.
public struct HostEngine: Engine {
  /// The engine; it has no state of its own.
  public init() {}
}
