internal import Text

/// A Fréchet distance, and CLIP's score: what their programs print, or the distance alone.
///
/// **Source:** mseitzer/pytorch-fid, `src/pytorch_fid/fid_score.py`, `main`, prints `FID:  12.3`;
/// Taited/clip-score, `clip_score.py`, `main`, prints `CLIP Score:  31.2`; clean-fid's functions answer a
/// number.
enum DistanceScores {
  private static let title = BenchmarkLayout.title("coco")

  /// The scores; nil when the text is none of these.
  static func scores(in file: TextFile) throws -> [BenchmarkScore]? {
    let alone = Double(file.text.trimmed).flatMap { $0.isFinite ? $0 : nil }
    let distance = try file.number(after: "FID:") ?? alone
    let clip = try file.number(after: "CLIP Score:")
    let scores =
      (distance.map {
        [BenchmarkScore(title, "FID", $0, isOverall: true, isDistance: true)]
      } ?? []) + (clip.map { [BenchmarkScore(title, "CLIP score", $0)] } ?? [])
    return scores.isEmpty ? nil : scores
  }
}
