internal import DiffusionTransformers

/// A caption as text encoders take it.
struct CaptionTokens: Sendable, Equatable {
  /// What one encoder is given.
  struct Part: Sendable, Equatable {
    /// The encoder's folder in the pipeline.
    let component: String
    let ids: [Int32]
  }

  /// The ids for every encoder.
  let ids: [Part]
  /// Rows at the beginning of the states that are left out.
  var droppedCount = 0
  /// Notes for the person: what of the caption was cut.
  let warnings: [String]

  /// The ids for a component; empty where it has none.
  func ids(for component: String) -> [Int32] {
    ids.first { $0.component == component }?.ids ?? []
  }

  /// Rows that the states will have: those of the last encoder.
  var stateCount: Int { (ids.last?.ids.count ?? 0) - droppedCount }
}

/// Turns captions into ids.
protocol CaptionTokenizer: Sendable {
  func tokens(of caption: String) throws -> CaptionTokens
}

/// Turns ids into states.
protocol StatesEncoder: Sendable {
  func states(of tokens: CaptionTokens) throws -> Conditioning
}
