internal import Compute
public import Failures

/// Where a caption's states come from, for errors: a component of the model, or a tensor of a file.
public struct ConditioningSource: Sendable {
  /// What made the states of the tokens.
  public var text: String
  /// What made the vector for the whole caption.
  public var pooled: String

  /// Names both.
  public init(text: String, pooled: String) {
    self.text = text
    self.pooled = pooled
  }
}

/// Why a transformer can't be told a caption.
public enum ConditioningError: Error, Equatable {
  /// States of tokens have another shape than `[textTokens, channels]`, or there are none.
  case text(source: String, channels: Int, found: [Int])
  /// The vector for the whole caption has another shape than `[1, channels]`.
  case pooled(source: String, channels: Int, found: [Int])
  /// There is no vector for the whole caption.
  case noPooled(source: String, channels: Int)
}

extension ConditioningError: ClassifiedError, CustomStringConvertible {
  /// One line: what was expected, what was found.
  public var description: String {
    switch self {
    case .text(let source, let channels, let found):
      "\(source): the transformer takes [tokens, \(channels)], at least one token; found \(found)"
    case .pooled(let source, let channels, let found):
      "\(source): the transformer takes [1, \(channels)], found \(found)"
    case .noPooled(let source, let channels):
      "\(source): the transformer takes a pooled vector of \(channels) channels, found none"
    }
  }

  /// Wrong data.
  public var failureKind: FailureKind { .wrongData }
}

extension DiffusionTransformer {
  /// Checks that a caption's states are what the model takes; every caller does so before the first
  /// forward pass.
  ///
  /// - Parameters:
  ///   - conditioning: the states.
  ///   - source: where they come from.
  /// - Throws: the first that doesn't fit. A pooled vector that the model doesn't take is no fault.
  public func check(
    _ conditioning: Conditioning, from source: ConditioningSource
  ) throws(ConditioningError) {
    let text = conditioning.text.shape
    guard text.count == 2, text[0] > 0, text[1] == textChannels else {
      throw .text(source: source.text, channels: textChannels, found: text)
    }
    guard let pooledChannels else { return }
    guard let pooled = conditioning.pooled?.shape else {
      throw .noPooled(source: source.pooled, channels: pooledChannels)
    }
    guard pooled == [1, pooledChannels] else {
      throw .pooled(source: source.pooled, channels: pooledChannels, found: pooled)
    }
  }
}
