internal import Compute
internal import Concurrency
internal import ExpertTraining
public import MessagePassing
internal import Synchronization
public import SystemPackage
internal import Training

extension AblationPlan {
  /// What happens while a table is trained.
  public enum Event: Sendable {
    /// Something for the person.
    case note(String)
    /// Optimiser steps so far, with those of earlier runs.
    case steps(Int)
  }

  /// How ranks share the trainings, by how much arithmetic each is.
  public func trainingShare(ranks: Int) -> PieceShare {
    PieceShare(
      sizes: trainings.map { Double($0.stepCount) * $0.plan.memory.step.work.operations },
      ranks: ranks)
  }

  /// Trains what isn't there yet; the same bytes as one training after the other.
  ///
  /// - Parameters:
  ///   - places: which of the trainings; nil: all.
  ///   - folder: where the experts go, each training in a folder of its own.
  ///   - startsAnew: whether experts that are there are trained again.
  ///   - shouldStop: asked after every step; a training that stops saves its state first.
  ///   - handle: called with everything that happens, from any thread.
  /// - Returns: whether all of them are trained.
  /// - Throws: what is wrong in the inputs, or what can't be written.
  public func train(
    _ places: [Int]? = nil, in folder: FilePath, startsAnew: Bool = false,
    shouldStop: @Sendable () -> Bool,
    _ handle: @escaping @Sendable (Event) -> Void
  ) throws -> Bool {
    let done = Atomic<Int>(0)
    func train(_ training: AblationTraining) throws -> Bool {
      guard !shouldStop() else { return false }
      let steps = training.plan.settings.steps
      let experts = try training.plan.train(
        to: training.output(in: folder, startsAnew: startsAnew), shouldStop: shouldStop
      ) { event in
        switch event {
        case .warning(let text): handle(.note(text))
        case .finishedBefore: handle(.steps(done.add(steps, ordering: .relaxed).newValue))
        case .began(_, let step): handle(.steps(done.add(step, ordering: .relaxed).newValue))
        case .step: handle(.steps(done.add(1, ordering: .relaxed).newValue))
        case .admitted, .preparing, .saving, .saved, .preview, .wrote: break
        }
      }
      return experts.count == training.plan.phases.count
    }
    let own = places.map { $0.map { trainings[$0] } } ?? trainings
    let (large, small) = (
      own.filter(Self.isLarge), own.filter { !Self.isLarge($0) }
    )
    let areSmallDone = try Parallel.map(small.count, work: .max) { index in
      try Parallel.withThreads(1) { try train(small[index]) }.result
    }
    let areLargeDone = try large.map(train)
    return (areSmallDone + areLargeDone).allSatisfy(\.self)
  }

  /// A large model's trainings take all threads each, a small one's go side by side.
  private static func isLarge(_ training: AblationTraining) -> Bool {
    training.plan.memory.step.work.keepsThreadsBusy(passes: 3)
  }
}
