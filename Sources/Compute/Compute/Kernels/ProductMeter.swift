internal import Synchronization

/// Time and arithmetic spent in matrix products since the last reset; off until switched on.
public enum ProductMeter {
  /// What has been spent.
  public struct Reading: Sendable {
    /// Wall time inside products, as their callers saw it.
    public var seconds = 0.0
    /// Floating-point operations, two for each multiplication with its addition.
    public var operations = 0.0
  }

  private static let isOn = Atomic<Bool>(false)
  private static let total = Mutex<Reading>(Reading())

  /// Starts counting from zero.
  public static func start() {
    total.withLock { $0 = Reading() }
    isOn.store(true, ordering: .relaxed)
  }

  /// What has been counted.
  public static var reading: Reading { total.withLock { $0 } }

  static func measure(m: Int, n: Int, k: Int, _ body: () -> Void) {
    guard isOn.load(ordering: .relaxed) else { return body() }
    let begin = ContinuousClock.now
    body()
    let seconds = (ContinuousClock.now - begin) / .seconds(1)
    total.withLock {
      $0.seconds += seconds
      $0.operations += 2 * Double(m) * Double(n) * Double(k)
    }
  }
}
