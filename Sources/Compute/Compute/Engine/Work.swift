/// Arithmetic, by what bounds its speed.
public struct Work: Sendable {
  /// Floating-point operations of matrix products, two for each multiplication with its addition.
  public var productOperations = 0.0
  /// Floating-point operations of attention's products.
  public var attentionOperations = 0.0
  /// Bytes of all tensors that are made.
  public var writtenBytes = 0.0

  /// Floating-point operations of all.
  public var operations: Double { productOperations + attentionOperations }

  /// Whether passes of a transformer, of which this is so many, keep several threads busy; smaller ones are
  /// better run side by side, one thread each.
  ///
  /// - Parameter passes: forward passes that it amounts to; a training step is three.
  /// - Returns: whether each is of 2e10 operations or more.
  public func keepsThreadsBusy(passes: Int) -> Bool { operations >= 2e10 * Double(passes) }

  /// The same so many times.
  public func times(_ count: Int) -> Work {
    Work(
      productOperations: Double(count) * productOperations,
      attentionOperations: Double(count) * attentionOperations,
      writtenBytes: Double(count) * writtenBytes)
  }

  /// Seconds that it takes on this machine, from a trial of its speed; without reading weights from disk.
  ///
  /// - Parameter tokens: rows of most operands.
  /// - Returns: seconds.
  public func seconds(tokens: Int) -> Double { seconds(tokens: tokens, on: HostEngine()) }

  /// The same on an engine that isn't the usual one.
  package func seconds(tokens: Int, on engine: any Engine) -> Double {
    let speed = MachineSpeed(trying: engine, tokens: tokens, headChannels: 128)
    return productOperations / speed.products + attentionOperations / speed.attention
      + writtenBytes / speed.writing
  }
}
