internal import Synchronization

/// What computes the passes of transformers, forward and backward, in this process, and as far as it does the passes of
/// autoencoders (``Engine/ofAutoencoders``) and text encoders (``Engine/forTextEncoder(_:)``). Optimisers run on the
/// host.
public enum TransformerEngine {
  private struct Choice: Sendable {
    let engine: any Engine
    let name: String
  }

  private static let chosen = Mutex<Choice?>(nil)
  @TaskLocal private static var ofTask: Choice?

  private static var choice: Choice? { ofTask ?? chosen.withLock { $0 } }

  /// The engine: the host's, as ``ProductSettings/shared`` says, where none was chosen.
  package static var current: any Engine { choice?.engine ?? HostEngine() }

  /// Whether one was chosen.
  package static var isChosen: Bool { choice != nil }

  /// What the chosen engine is called where results are recorded; nil: none was chosen.
  package static var name: String? { choice?.name }

  /// Chooses an engine; commands do once, at their start.
  package static func use(_ engine: any Engine, name: String) {
    chosen.withLock { $0 = Choice(engine: engine, name: name) }
  }

  /// Runs the body with an engine; what else the process does keeps its own. It is there to compare engines.
  package static func with<Result>(
    _ engine: any Engine, name: String, _ body: () throws -> Result
  ) rethrows -> Result {
    try $ofTask.withValue(Choice(engine: engine, name: name), operation: body)
  }
}
