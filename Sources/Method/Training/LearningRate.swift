/// How the learning rate goes over the steps of a run.
public struct LearningRate: Sendable, Equatable {
  /// The rate after the warm-up.
  public var peak: Double
  /// Steps over which the rate rises in a straight line from 0; 0: none.
  ///
  /// Source: huggingface/diffusers, `optimization.py`, `get_constant_schedule_with_warmup`.
  public var warmupSteps: Int

  /// A constant rate, after an optional warm-up.
  public init(peak: Double, warmupSteps: Int = 0) {
    self.peak = peak
    self.warmupSteps = warmupSteps
  }

  /// The rate of a step, counted from 0. With a warm-up the first step has rate 0, as in the
  /// source.
  public func at(step: Int) -> Double {
    step < warmupSteps ? peak * Double(step) / Double(warmupSteps) : peak
  }
}
