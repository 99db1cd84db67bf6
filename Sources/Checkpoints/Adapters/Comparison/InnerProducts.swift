internal import Elements
internal import Tensors

/// Squared norms and the inner product of two low-rank changes, in double precision.
///
/// ⟨B₁A₁, B₂A₂⟩ is the sum over i and j of (B₁ᵀB₂)ᵢⱼ · (A₁A₂ᵀ)ᵢⱼ.
struct InnerProducts: Sendable {
  /// ‖s₁B₁A₁‖².
  let squareA: Double
  /// ‖s₂B₂A₂‖².
  let squareB: Double
  /// ⟨s₁B₁A₁, s₂B₂A₂⟩.
  let product: Double
  /// ‖s₁B₁A₁ - s₂B₂A₂‖.
  let differenceNorm: Double

  /// The cosine; nil when one of them is zero.
  var cosine: Double? {
    guard squareA > 0, squareB > 0 else { return nil }
    return min(1, max(-1, product / (squareA.squareRoot() * squareB.squareRoot())))
  }

  init(squareA: Double, squareB: Double, product: Double, differenceNorm: Double) {
    self.squareA = squareA
    self.squareB = squareB
    self.product = product
    self.differenceNorm = differenceNorm
  }

  /// The products of two changes; one that is absent is zero, and changes of different shapes are
  /// orthogonal.
  init(_ a: AdapterModule?, _ b: AdapterModule?) {
    guard let a, let b else {
      let squareA = a.map { FactorGrams([$0]).square(0..<$0.rank, scale: $0.scale) } ?? 0
      let squareB = b.map { FactorGrams([$0]).square(0..<$0.rank, scale: $0.scale) } ?? 0
      self.init(
        squareA: squareA, squareB: squareB, product: 0,
        differenceNorm: (squareA + squareB).squareRoot())
      return
    }
    guard a.inFeatures == b.inFeatures, a.outFeatures == b.outFeatures else {
      let (squareA, squareB) = (InnerProducts(a, nil).squareA, InnerProducts(nil, b).squareB)
      self.init(
        squareA: squareA, squareB: squareB, product: 0,
        differenceNorm: (squareA + squareB).squareRoot())
      return
    }
    let grams = FactorGrams([a, b])
    let (ofA, ofB) = (0..<a.rank, a.rank..<a.rank + b.rank)
    let squareA = grams.square(ofA, scale: a.scale)
    let squareB = grams.square(ofB, scale: b.scale)
    let product = a.scale * b.scale * grams.sum(ofA, ofB)
    let square = squareA + squareB - 2 * product
    // What remains of equal changes here is rounding, of 1e-15 of the squares or so.
    let isSmall = square < 1e-6 * (squareA + squareB)
    self.init(
      squareA: squareA, squareB: squareB, product: product,
      differenceNorm: isSmall ? TriangularFactors.differenceNorm(a, b) : square.squareRoot())
  }
}

/// The inner products of all columns of the ups, and of all rows of the downs, of some modules of
/// one shape.
private struct FactorGrams {
  private var ofUps: GramMatrix
  private var ofDowns: GramMatrix

  /// Rows that are taken at a time.
  private static let pieceSize = 256

  init(_ modules: [AdapterModule]) {
    let rank = modules.reduce(0) { $0 + $1.rank }
    ofUps = GramMatrix(order: rank)
    ofDowns = GramMatrix(order: rank)
    let (ups, downs) = (modules.map { $0.up.floats() }, modules.map { $0.down.floats() })
    let (rows, columns) = (modules[0].outFeatures, modules[0].inFeatures)
    for start in stride(from: 0, to: rows, by: Self.pieceSize) {
      ofUps.add(rowCount: min(Self.pieceSize, rows - start)) { piece, width in
        var first = 0
        for (module, up) in zip(modules, ups) {
          for row in 0..<min(Self.pieceSize, rows - start) {
            for k in 0..<module.rank {
              piece[row * width + first + k] = up[(start + row) * module.rank + k]
            }
          }
          first += module.rank
        }
      }
    }
    for start in stride(from: 0, to: columns, by: Self.pieceSize) {
      ofDowns.add(rowCount: min(Self.pieceSize, columns - start)) { piece, width in
        var first = 0
        for (module, down) in zip(modules, downs) {
          for k in 0..<module.rank {
            for column in 0..<min(Self.pieceSize, columns - start) {
              piece[column * width + first + k] = down[k * columns + start + column]
            }
          }
          first += module.rank
        }
      }
    }
  }

  /// The sum over i and j of the products' entries.
  func sum(_ i: Range<Int>, _ j: Range<Int>) -> Double {
    var sum = 0.0
    for i in i { for j in j { sum += ofUps[i, j] * ofDowns[i, j] } }
    return sum
  }

  /// The squared norm of one module's change; rounding may not make it negative.
  func square(_ range: Range<Int>, scale: Double) -> Double {
    max(0, scale * scale * sum(range, range))
  }
}
