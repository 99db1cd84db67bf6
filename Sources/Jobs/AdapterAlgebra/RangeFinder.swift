internal import Compute
internal import Elements
internal import LinearAlgebra

private let host = HostEngine()

/// The leading singular values of a large dense matrix D `[rows, columns]`.
///
/// A block of random combinations of D's columns, D·Ω, is multiplied by D·Dᵀ again and again, and
/// all blocks together span the space in which the leading left vectors are sought: so the energy
/// found converges even where singular values hardly decay, when powers of D·Dᵀ alone take ten times
/// as many passes over D.
///
/// Products with D are float32, orthogonalisation and the final decomposition double precision.
/// The blocks end when one more adds less than ``tolerance`` of the energy found so far; what is
/// then missing from the best approximation of that rank was below 2e-4 of its energy for every
/// spectrum tried, from a plain low rank to Gaussian noise.
///
/// Source: Halko, Martinsson and Tropp, "Finding structure with randomness" (2011), algorithm 4.4;
/// Musco and Musco, "Randomized block Krylov methods for stronger and faster approximate singular
/// value decomposition" (2015), algorithm 2.
struct RangeFinder {
  /// How many singular values are wanted.
  let rank: Int
  /// Names the random combinations.
  let seed: UInt64

  /// Random combinations beyond the rank.
  static let oversampling = 8
  /// The growth of the energy, relative to it, at which the search ends.
  static let tolerance = 3e-4
  /// The most columns of all blocks, unless eight blocks have more: beyond what Gaussian noise of
  /// FLUX's sizes takes at rank 32 (14 blocks of 40).
  static let largestWidth = 1024
  /// What is at most this share of a matrix's norm is rounding of its float32 elements.
  static let noise = 0x1p-20

  private var width: Int { rank + Self.oversampling }

  /// Whether a matrix is so small that its own decomposition is computed instead.
  func isExact(rows: Int, columns: Int) -> Bool {
    min(rows, columns) <= max(256, 4 * width)
  }

  /// The leading part of D's singular value decomposition.
  ///
  /// - Parameters:
  ///   - path: the module, for errors.
  ///   - d: `[rows, columns]`, finite.
  ///   - energy: its squared norm.
  /// - Returns: at least ``rank`` singular values, where there are as many.
  /// - Throws: ``AlgebraError``, when LAPACK can't decompose it.
  func decompose(
    path: String, _ d: Tensor, energy: Double
  ) throws -> LowRankDecomposition {
    do throws(MatrixFault) {
      if isExact(rows: d.rows, columns: d.columns) {
        return try exact(path: path, d, energy: energy)
      }
      return try search(path: path, d, energy: energy)
    } catch {
      throw error.error(module: path, rows: d.rows, columns: d.columns)
    }
  }

  private func exact(
    path: String, _ d: Tensor, energy: Double
  ) throws(MatrixFault) -> LowRankDecomposition {
    // A tall matrix is factorised first, so that LAPACK decomposes a small one.
    let isWide = d.columns > d.rows
    let tall = isWide ? Matrix(transposing: d) : Matrix(d)
    let (q, r) = try tall.orthogonalised()
    let core = try r.decomposed()
    let inner = core.values.count
    var identity = Matrix(rows: core.right.rows, columns: core.right.rows)
    for index in 0..<inner { identity[index, index] = 1 }
    return LowRankDecomposition(
      path: path, values: core.values, noise: Self.noise * energy.squareRoot(),
      leftBase: isWide ? identity : q, leftCore: isWide ? core.right : core.left,
      rightBase: isWide ? q : identity, rightCore: isWide ? core.left : core.right)
  }

  private func search(
    path: String, _ d: Tensor, energy: Double
  ) throws(MatrixFault) -> LowRankDecomposition {
    let random = RandomStream(seed: seed, purpose: .rangeFinding)
    var block = host.product(
      d, Tensor(shape: [d.columns, width], random.normals(count: d.columns * width)))
    var bases: [Tensor] = []
    var images: [Tensor] = []
    var gram = GrowingGram()
    var found = 0.0
    while let base = try block.orthogonalised(against: bases) {
      bases.append(base)
      images.append(host.product(d, transposeA: true, base))
      gram.add(images)
      let previous = found
      found = try gram.leadingEnergy(rank)
      let isFull =
        gram.order + width > min(d.rows, d.columns, max(Self.largestWidth, 8 * width))
      let isFound = found - previous <= Self.tolerance * found && bases.count > 1
      if isFull || isFound || found >= (1 - 1e-6) * energy { break }
      block = host.product(d, images[images.count - 1])
    }
    // Numbers beyond the range of float32's squares.
    guard !bases.isEmpty else { throw .notConverged }
    // D is Q·Qᵀ·D with Q the bases; with the images Dᵀ·Q = P·S it is Q·Sᵀ·Pᵀ.
    let (p, s) = try Matrix(joining: images).orthogonalised()
    let core = try s.decomposed()
    return LowRankDecomposition(
      path: path, values: core.values, noise: Self.noise * energy.squareRoot(),
      leftBase: Matrix(joining: bases), leftCore: core.right, rightBase: p, rightCore: core.left)
  }
}

/// The inner products of blocks of columns, block by block as they come.
private struct GrowingGram {
  /// Columns so far.
  private(set) var order = 0
  private var blocks: [(rows: Int, columns: Int, products: Tensor)] = []

  /// Adds the products of the last of these blocks with all of them.
  mutating func add(_ images: [Tensor]) {
    guard let last = images.last else { return }
    var row = 0
    for image in images {
      blocks.append((row, order, host.product(image, transposeA: true, last)))
      row += image.columns
    }
    order += last.columns
  }

  /// The sum of the largest eigenvalues.
  func leadingEnergy(_ count: Int) throws(MatrixFault) -> Double {
    var matrix = Matrix(rows: order, columns: order)
    for (row, column, products) in blocks {
      let values = products.floats
      for i in 0..<products.rows {
        for j in 0..<products.columns {
          let value = Double(values[i * products.columns + j])
          matrix[row + i, column + j] = value
          matrix[column + j, row + i] = value
        }
      }
    }
    return try matrix.singularValues().prefix(count).reduce(0, +)
  }
}

extension Matrix {
  /// A float32 matrix, widened.
  init(_ tensor: Tensor) {
    self.init(rows: tensor.rows, columns: tensor.columns)
    let values = tensor.floats
    for row in 0..<rows {
      for column in 0..<columns {
        self[row, column] = Double(values[row * columns + column])
      }
    }
  }

  /// The transpose of a float32 matrix, widened.
  init(transposing tensor: Tensor) {
    self.init(
      rows: tensor.columns, columns: tensor.rows, tensor.floats.map(Double.init))
  }

  /// Matrices side by side, widened.
  init(joining tensors: [Tensor]) {
    self.init(
      rows: tensors[0].rows, columns: tensors.reduce(0) { $0 + $1.columns },
      tensors.flatMap { Matrix($0).elements })
  }
}

extension Tensor {
  /// Orthonormal columns for what these columns add to the span of orthonormal others; nil when that
  /// is nothing but rounding.
  ///
  /// Once is not enough: what is small after the first projection points back, by its rounding, into
  /// the space that was taken out.
  fileprivate func orthogonalised(against bases: [Tensor]) throws(MatrixFault) -> Tensor? {
    let first = try without(bases).orthogonalised(above: RangeFinder.noise * norm)
    guard first.columns > 0, !bases.isEmpty else { return first.columns > 0 ? first : nil }
    // Columns of length one that keep less than half of it were rounding.
    let second = try first.without(bases).orthogonalised(above: 0.5)
    return second.columns > 0 ? second : nil
  }

  private func without(_ bases: [Tensor]) -> Tensor {
    var rest = self
    for base in bases {
      rest.add(host.product(base, host.product(base, transposeA: true, rest)), times: -1)
    }
    return rest
  }

  /// Orthonormal columns that span these, without directions in which they are short.
  private func orthogonalised(above threshold: Double) throws(MatrixFault) -> Tensor {
    let (q, r) = try Matrix(self).orthogonalised()
    let core = try r.decomposed()
    let turned = q.times(core.left.prefix(core.values.count { $0 > threshold }))
    var elements = [Float](repeating: 0, count: turned.elements.count)
    for row in 0..<turned.rows {
      for column in 0..<turned.columns {
        elements[row * turned.columns + column] = Float(turned[row, column])
      }
    }
    return Tensor(shape: [turned.rows, turned.columns], elements)
  }
}
