/// A value that gradients need.
package enum Needed {
  /// A variable's, as it is kept or made again.
  case value(of: Variable)
  /// Activations that are no variable's.
  case activations(Tensor)
  /// What is small, or has to be what it is to the last bit.
  case exact(Tensor)
}

/// What is kept of a value that gradients need: itself, or others that are kept too and of which it is made
/// again in little time.
struct Kept: Sendable {
  /// How a value is made of others.
  typealias Making = @Sendable (_ values: [Tensor]) -> Tensor

  private let content: Content

  private indirect enum Content: Sendable {
    case tensor(Tensor)
    case made(of: [Kept], Making)
  }

  /// The value itself, as it is kept.
  init(_ tensor: Tensor) { content = .tensor(tensor) }

  /// A value that is made of others.
  init(of others: [Kept], _ make: @escaping Making) { content = .made(of: others, make) }

  /// The value, to compute with.
  func value(_ engine: any Engine) -> Tensor {
    switch content {
    case .tensor(let tensor): engine.restored(tensor)
    case .made(let others, let make): make(others.map { $0.value(engine) })
    }
  }

  /// All tensors that are kept for it.
  var tensors: [Tensor] {
    switch content {
    case .tensor(let tensor): [tensor]
    case .made(let others, _): others.flatMap(\.tensors)
    }
  }
}

/// The values that a pullback needs, each restored when it is asked for: it takes memory from then on.
package struct SavedValues {
  private let kept: [Kept]
  private let engine: any Engine

  init(_ kept: [Kept], _ engine: any Engine) {
    self.kept = kept
    self.engine = engine
  }

  /// A value, in the order in which they were saved.
  package subscript(index: Int) -> Tensor { kept[index].value(engine) }
}
