/* The Gaussian mechanism exactly (Balle, Wang 2018, theorem 8). sigma over sensitivity. */
#ifndef FED_GAUSSIAN_EXACT_H
#define FED_GAUSSIAN_EXACT_H

/** The smallest delta for this epsilon (may be negative), to about 1e-13 relative. */
double fed_gaussian_delta(double sigma, double epsilon);
/** The smallest epsilon >= 0 for this delta in (0, 1), rounded up. */
double fed_gaussian_epsilon(double sigma, double delta);
/** The smallest sigma for (epsilon >= 0, delta), rounded up. */
double fed_gaussian_sigma(double epsilon, double delta);

/** log of the standard normal distribution function, accurate in both tails. */
double fed_log_normal_cdf(double x);

#endif
