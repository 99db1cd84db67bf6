internal import Compute
internal import Synchronization

/// Vectors that modulate blocks, of the last conditionings: they depend on the noise level, the guidance
/// and the caption's pooled state alone, and the layers that make them hold a quarter of FLUX.1's weights
/// and a third of Qwen-Image's, which are then not read again. Of one model.
public final class ModulationCache: Sendable {
  /// What a conditioning vector is made from.
  struct Key: Equatable {
    let sigma: Float
    let guidance: Float?
    let pooled: Tensor?
  }

  /// The vectors of one conditioning, by the name of their layer.
  final class Entry: Sendable {
    private let vectors = Mutex<[String: Tensor]>([:])

    /// The vectors of a layer, which the closure makes the first time.
    func vectors(_ layer: String, _ make: () -> Tensor) -> Tensor {
      if let kept = vectors.withLock({ $0[layer] }) { return kept }
      let made = make()
      vectors.withLock { $0[layer] = made }
      return made
    }

    /// Whether nothing is kept yet.
    var isEmpty: Bool { vectors.withLock { $0.isEmpty } }

    var byteCount: Int { vectors.withLock { $0.values.reduce(0) { $0 + 4 * $1.count } } }
  }

  private let capacity: Int
  private let entries = Mutex<[(key: Key, entry: Entry)]>([])

  /// A cache of the vectors of so many conditionings.
  public init(capacity: Int) { self.capacity = capacity }

  /// Bytes of the vectors that are kept.
  public var byteCount: Int { entries.withLock { $0.reduce(0) { $0 + $1.entry.byteCount } } }

  /// The entry of a conditioning; the oldest makes room for a new one.
  func entry(_ key: Key) -> Entry {
    entries.withLock { entries in
      if let found = entries.first(where: { $0.key == key }) { return found.entry }
      let entry = Entry()
      entries.append((key, entry))
      if entries.count > capacity { entries.removeFirst() }
      return entry
    }
  }
}

/// Makes the vectors that modulate blocks from the conditioning vector.
struct Modulator: Sendable {
  /// SiLU of the conditioning vector, `[1, width]`.
  let conditioning: Variable
  /// Where they are kept; nil: nowhere.
  let entry: ModulationCache.Entry?

  /// Whether the vectors have to be made.
  var makesVectors: Bool { entry?.isEmpty ?? true }

  /// The vectors of a block, side by side, `[1, n · width]`.
  func callAsFunction(_ tape: Tape, _ layer: LinearLayer) -> Variable {
    guard let entry, !conditioning.needsGradient, !tape.adapts([layer]) else {
      return tape.linear(conditioning, layer)
    }
    return Variable(
      constant: entry.vectors(layer.name) { tape.linear(conditioning, layer).tensor })
  }
}
